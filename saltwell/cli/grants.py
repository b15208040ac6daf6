"""Access-control entries of a role, on a broker with an authorizer."""

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined] # it exports them without saying so
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from saltwell.bus.clients import connection
from saltwell.contracts.access import Rule, rules
from saltwell.errors import StopError

_RESOURCES = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "transactionalId": ResourceType.TRANSACTIONAL_ID,
}
_OPERATIONS = {
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
    "Describe": AclOperation.DESCRIBE,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
}
_TIMEOUT_S = 30.0


def grant_role(bootstrap: str, *, role: str, principal: str) -> int:
    """Let an identity ("User:g1-04") do what its role needs; gives how many entries that are."""
    bindings = [binding for rule in rules(role) for binding in _bindings(rule, principal)]
    admin = AdminClient(connection(bootstrap))  # kept: its answers end with it
    for binding, future in admin.create_acls(bindings, request_timeout=_TIMEOUT_S).items():
        try:
            future.result(_TIMEOUT_S)
        except KafkaException as error:
            raise StopError(f"{bootstrap} does not grant {binding.name}: {error.args[0].str()}") from error
    return len(bindings)


def _bindings(rule: Rule, principal: str) -> list[AclBinding]:
    pattern = ResourcePatternType.PREFIXED if rule.prefix else ResourcePatternType.LITERAL
    return [
        AclBinding(
            _RESOURCES[rule.resource],
            rule.name,
            pattern,
            principal,
            "*",
            _OPERATIONS[operation],
            AclPermissionType.ALLOW,
        )
        for operation in rule.operations
    ]
