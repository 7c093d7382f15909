"""What can go wrong, said once: where, what was wanted, what was got, what to do."""


class CoconetError(Exception):
    """The one error users see: it ends a command with no traceback, and with exit code 2 unless coconet.exit_code says.

    where: the file, option, camera or layer it is about.
    wanted: what would have been accepted.
    got: what was there instead.
    remedy: the next thing to do, as a sentence.
    """

    exit_code = 2

    def __init__(self, where: object, *, wanted: str, got: str, remedy: str) -> None:
        self.where, self.wanted, self.got, self.remedy = str(where), wanted, got, remedy
        super().__init__(f"{self.where}: wanted {wanted}, got {got}. {remedy}")


class MissingPackage(CoconetError, ImportError):
    """A package that only one job needs is not installed; the message names the extra that brings it.

    extra: the extra of setup.py that brings the package; empty where the base install does.
    It is an ImportError as well, so that tools which probe for optional imports understand it.
    """

    def __init__(self, package: str, *, job: str, extra: str = "") -> None:
        super().__init__(
            package,
            wanted=f"the package {package} for {job}",
            got="no such package in this Python",
            remedy=f"Install it with: pip install 'coconet-edge{f'[{extra}]' if extra else ''}'",
        )
