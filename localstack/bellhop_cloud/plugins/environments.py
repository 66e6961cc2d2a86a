"""Which environment (here: process) of a function gets an invocation.

LocalStack 4.14.0 walks its table while other threads change it, and publishes a new environment before it has reserved
it, so that two invocations can meet in one: both fail the invocation, and its batch stays hidden for a whole visibility
timeout. Provisioned concurrency is left out: nothing here uses it."""

import contextlib
import logging

from localstack.runtime import hooks

from bellhop_cloud.plugins import loaded

LOG = logging.getLogger(__name__)


@hooks.on_infra_start()
def bellhop_environments():
    from localstack.services.lambda_.invocation.assignment import AssignmentService
    from localstack.services.lambda_.invocation.execution_environment import InvalidStatusException

    def reserve_idle(environments):
        for environment in list(environments.values()):
            with contextlib.suppress(InvalidStatusException):
                environment.reserve()
                return environment
        return None

    @contextlib.contextmanager
    def get_environment(self, version_manager_id, function_version, provisioning_type):
        environments = self.environments[version_manager_id]
        environment = reserve_idle(environments)
        if environment is None:
            environment = self.start_environment(version_manager_id, function_version)
            environment.reserve()
            environments[environment.id] = environment
        try:
            yield environment
            environment.release()
        except InvalidStatusException as error:  # stopped meanwhile: the function was updated or deleted
            LOG.info("%s", error)
        except Exception:
            self.stop_environment(environment)
            raise

    AssignmentService.get_environment = get_environment
    loaded("bellhop_environments")
