"""Opening a connection to a served model: the function that knows which protocol is which."""

from __future__ import annotations

from coconet.runtime.backends.remote.remote_model import RemoteModel
from coconet.runtime.backends.remote.server_address import ServerAddress


def open_remote_model(address: ServerAddress) -> RemoteModel:
    """Prepare to ask by the protocol of the address. Raises MissingPackage without the library of gRPC."""
    if address.scheme == "grpc":
        from coconet.runtime.backends.remote.grpc_model import GrpcModel

        return GrpcModel(address)
    from coconet.runtime.backends.remote.http_model import HttpModel

    return HttpModel(address)
