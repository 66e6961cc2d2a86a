"""infra/template.yaml with a key of one's own and traces, on the cloud: `localstack/cloud test --live`. It has no reserved concurrency,
and asks nobody for permissions: those are read in test_permissions.py."""

import os
import shutil
import tempfile
import unittest
from pathlib import Path

STANDIN = Path(__file__).resolve().parent / "bootstrap.py"
STACK = "options"


@unittest.skipUnless(os.environ.get("BELLHOP_CLOUD_LIVE"), "needs the cloud up")
class Options(unittest.TestCase):
    def test_a_key_of_ones_own_and_traces_reach_queues_topic_and_functions(self):
        from bellhop_cloud import deploy, settings
        from bellhop_stack import code

        directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, directory)
        for function in code.functions():
            shutil.copy2(STANDIN, directory / f"bellhop-{function}")
            (directory / f"bellhop-{function}").chmod(0o755)
        former = os.environ.get("BELLHOP_FUNCTION_DIR")
        os.environ["BELLHOP_FUNCTION_DIR"] = str(directory)
        self.addCleanup(lambda: os.environ.update(BELLHOP_FUNCTION_DIR=former) if former else os.environ.pop("BELLHOP_FUNCTION_DIR"))
        key = settings.client("kms").create_key()["KeyMetadata"]["Arn"]
        self.addCleanup(deploy.remove, STACK)
        deploy.deploy(STACK, STACK, {"KmsKeyArn": key, "Tracing": "Active", "HttpConcurrency": "3"})

        sqs, iam, functions = settings.client("sqs"), settings.client("iam"), settings.client("lambda")
        urls = sqs.list_queues(QueueNamePrefix=f"{STACK}-")["QueueUrls"]
        self.assertGreater(len(urls), 10)
        for url in urls:
            found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["KmsMasterKeyId", "SqsManagedSseEnabled"])["Attributes"]
            self.assertEqual(found, {"KmsMasterKeyId": key, "SqsManagedSseEnabled": "false"}, url)
        topic = f"arn:aws:sns:us-east-1:{settings.ACCOUNT}:{STACK}-review"
        self.assertEqual(settings.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]["KmsMasterKeyId"], key)
        for function in code.functions():
            found = functions.get_function_configuration(FunctionName=f"{STACK}-{function}")
            self.assertEqual(found["TracingConfig"], {"Mode": "Active"}, function)
            policies = set(iam.list_role_policies(RoleName=found["Role"].rsplit("/", 1)[1])["PolicyNames"])
            more = {"own-key-topic"} if function == "review" else set()
            self.assertEqual(policies, {function, "own-key", "traces"} | more)
        stack = settings.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        self.assertEqual(stack["Tags"], [{"Key": "Stage", "Value": "local"}])


if __name__ == "__main__":
    unittest.main()
