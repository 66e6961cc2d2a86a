"""GATEWAY_SERVER=bellhop_loopback: LocalStack's own HTTP server, bound to the host that GATEWAY_LISTEN names.

The stock server listens on 0.0.0.0 whatever GATEWAY_LISTEN says; a local cloud without authentication must not."""

from localstack.runtime.server.core import RuntimeServer, RuntimeServerPlugin


class LoopbackServerPlugin(RuntimeServerPlugin):
    name = "bellhop_loopback"

    def load(self, *args, **kwargs) -> RuntimeServer:
        from localstack.runtime.server.twisted import TwistedRuntimeServer
        from rolo.serving.twisted import TwistedGateway
        from twisted.internet import reactor

        class LoopbackServer(TwistedRuntimeServer):
            def register(self, gateway, listen, ssl_creds=None):
                site = TwistedGateway(gateway)  # plain HTTP: nothing leaves the machine
                for address in listen:
                    reactor.listenTCP(address.port, site, interface=address.host)

        return LoopbackServer()
