"""The page of `coconet verify`: the verdict, what it rests on, and the frames that differ most."""

from __future__ import annotations

from coconet.media.panel import Captioned, sheet_of_row
from coconet.pages.picture_page import PagePicture, PageTable, PicturePage
from coconet.runtime.verify.error_map import error_pictures
from coconet.runtime.verify.parity import ModelPictures, frame_error
from coconet.runtime.verify.report import VerifyReport

COLUMN_PX = 480


def verify_page(report: VerifyReport, labels: tuple[str, str]) -> PicturePage:
    """Make the page. labels: what stands above the pictures of A and of B."""
    verdict = report.sentence()
    return PicturePage(
        title=f"{report.candidate.model} against {report.reference.model}",
        verdict=verdict if verdict.endswith(".") else f"{verdict}.",
        tables=[PageTable("What was measured", ("", ""), report.rows())],
        pictures_title="The frames that differ most",
        pictures=[_picture(frame, labels) for frame in report.verification.worst_frames],
        notes=["The last picture of a row is the difference, made brighter until the eye can see it."],
    )


def _picture(frame: ModelPictures, labels: tuple[str, str]) -> PagePicture:
    error = frame_error(frame)
    row = [Captioned(caption, pixels) for caption, pixels in error_pictures(frame, labels)]
    figures = f"PSNR {error.psnr_db:.1f} dB, {error.within_one / error.samples:.2%} of samples within one level"
    return PagePicture(f"{frame.name}: {figures}", sheet_of_row(row, COLUMN_PX))
