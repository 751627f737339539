//! What links are attached to, by the addresses that services know.

use fe2o3_amqp_types::definitions::{AmqpError, Error};

use super::fault::error;
use crate::state::Hub;

/// The name of the event hub behind the built-in endpoint. A real hub's is made of its own name and a number.
pub(crate) const EVENT_HUB: &str = "iothub-ehub-setpoint";

/// What the built-in endpoint is called on the hub itself; tools that know no Event Hubs name use it.
const MESSAGES_EVENTS: &str = "messages/events";

/// Where messages for devices are sent to.
const TO_DEVICES: &str = "messages/devicebound";

/// Where services read what became of them.
const FEEDBACK: &str = "messages/servicebound/feedback";

/// What a link is attached to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// Takes tokens: OASIS AMQP Claims-based Security.
    Tokens,
    /// Answers what the event hub is.
    Management,
    /// A partition, for a consumer group.
    Events { group: String, partition: usize },
    /// Takes messages for devices.
    ToDevices,
    /// Gives what became of them.
    Feedback,
}

impl Node {
    /// The node of an address and its path. An address may be a whole URL.
    pub(super) fn find(address: &str, hub: &Hub) -> Result<(Node, String), Error> {
        let path = path(address);
        let node = match path.to_ascii_lowercase().as_str() {
            "$cbs" => Node::Tokens,
            "$management" => Node::Management,
            TO_DEVICES => Node::ToDevices,
            FEEDBACK => Node::Feedback,
            _ => Node::of_event_hub(path, hub)?,
        };
        Ok((node, path.to_owned()))
    }

    fn of_event_hub(path: &str, hub: &Hub) -> Result<Node, Error> {
        let below = strip(path, EVENT_HUB).or_else(|| strip(path, MESSAGES_EVENTS));
        let Some(below) = below else {
            return Err(not_found(format!(
                "The messaging entity {path:?} could not be found: the event hub is {EVENT_HUB:?}"
            )));
        };
        let parts: Vec<_> = below.split('/').collect();
        match parts.as_slice() {
            [management] if management.eq_ignore_ascii_case("$management") => Ok(Node::Management),
            [groups, group, partitions, partition]
                if groups.eq_ignore_ascii_case("consumergroups") && partitions.eq_ignore_ascii_case("partitions") =>
            {
                if !hub.endpoint().has_group(group) {
                    return Err(not_found(format!("The consumer group {group:?} could not be found")));
                }
                let count = hub.endpoint().partitions();
                let known = partition.parse().ok().filter(|number| *number < count);
                let partition = known.ok_or_else(|| {
                    error(
                        fe2o3_amqp_types::definitions::ErrorCondition::Custom(
                            "com.microsoft:argument-out-of-range".into(),
                        ),
                        format!(
                            "The specified partition {partition:?} is invalid: there are 0 to {}",
                            count - 1
                        ),
                    )
                })?;
                Ok(Node::Events {
                    group: (*group).to_owned(),
                    partition,
                })
            }
            _ => Err(not_found(format!("The messaging entity {path:?} could not be found"))),
        }
    }
}

/// What follows a name and a slash.
fn strip<'a>(path: &'a str, name: &str) -> Option<&'a str> {
    let (front, rest) = path.split_at_checked(name.len())?;
    rest.strip_prefix('/').filter(|_| front.eq_ignore_ascii_case(name))
}

/// The path of an address, without what stands before it.
fn path(address: &str) -> &str {
    let path = match address.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => address,
    };
    path.trim_matches('/')
}

fn not_found(words: String) -> Error {
    error(AmqpError::NotFound, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_sdks_are_found() {
        let hub = Hub::new();
        let events = |partition| Node::Events {
            group: "$Default".to_owned(),
            partition,
        };
        for (address, expected) in [
            ("$cbs", Node::Tokens),
            ("$management", Node::Management),
            (
                "amqps://localhost:5671/iothub-ehub-setpoint/$management",
                Node::Management,
            ),
            ("iothub-ehub-setpoint/ConsumerGroups/$Default/Partitions/3", events(3)),
            (
                "sb://localhost/iothub-ehub-setpoint/consumergroups/$Default/partitions/0",
                events(0),
            ),
            ("/messages/events/ConsumerGroups/$Default/Partitions/1", events(1)),
            ("amqps://localhost/messages/devicebound", Node::ToDevices),
            ("/messages/deviceBound", Node::ToDevices),
            ("/messages/serviceBound/feedback", Node::Feedback),
        ] {
            assert_eq!(
                Node::find(address, &hub).map(|(node, _)| node),
                Ok(expected),
                "{address}"
            );
        }
        for address in [
            "",
            "other/ConsumerGroups/$Default/Partitions/0",
            "iothub-ehub-setpoint",
            "iothub-ehub-setpoint/ConsumerGroups/none/Partitions/0",
            "iothub-ehub-setpoint/ConsumerGroups/$Default/Partitions/4",
            "iothub-ehub-setpoint/ConsumerGroups/$Default/Partitions/-1",
            "iothub-ehub-setpoint/ConsumerGroups/$Default/Partitions/0/more",
        ] {
            assert!(Node::find(address, &hub).is_err(), "{address}");
        }
    }
}
