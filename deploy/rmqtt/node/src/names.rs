//! What the rights file cannot say: under which client id a name comes, and which last will it leaves.
//!
//! RMQTT publishes a last will without asking the rights, so it is judged when the client connects.

use async_trait::async_trait;
use rmqtt::context::ServerContext;
use rmqtt::hook::{Handler, HookResult, Parameter, Priority, Register, ReturnType, Type};
use rmqtt::types::{AuthResult, ConnectInfo, LastWill};

/// What every topic begins with.
const PREFIX: &str = "tankline/v1";
/// What the names of the centre begin with.
const CENTRE: &str = "tankline-ingest";
/// Before the rights file is asked, whose plugin has 10.
const PRIORITY: Priority = 100;

struct Names;

/// Puts the check to work; it lasts as long as what this gives.
pub async fn watch(context: &ServerContext) -> Box<dyn Register> {
    let register = context.extends.hook_mgr().register();
    register.add_priority(Type::ClientAuthenticate, PRIORITY, Box::new(Names)).await;
    register.start().await;
    register
}

#[async_trait]
impl Handler for Names {
    async fn hook(&self, parameter: &Parameter, so_far: Option<HookResult>) -> ReturnType {
        match parameter {
            Parameter::ClientAuthenticate(client) if !may_come(client) => {
                let (name, client_id) = (client.username(), client.client_id());
                log::warn!("refused: {name:?} as {client_id:?}: not its own client id or last will");
                (false, Some(HookResult::AuthResult(AuthResult::NotAuthorized)))
            }
            _ => (true, so_far),
        }
    }
}

fn may_come(client: &ConnectInfo) -> bool {
    // Where no certificate is asked for there is no name to go by; what may be done there is the rights file's to say.
    let Some(name) = client.username() else { return true };
    let will = client.last_will().map(|will| match will {
        LastWill::V3(will) => will.topic.to_string(),
        LastWill::V5(will) => will.topic.to_string(),
    });
    is_own(name, client.client_id(), will.as_deref())
}

/// Tells whether a client id and the topic of a last will are those of a name.
fn is_own(name: &str, client_id: &str, will: Option<&str>) -> bool {
    let is_centre = name.strip_prefix(CENTRE).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']));
    match name.split_once('.') {
        _ if is_centre => will.is_none_or(|topic| {
            let site = topic.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix("/centre/state"));
            site.and_then(|site| site.strip_prefix('/')).is_some_and(|site| !site.is_empty() && !site.contains('/'))
        }),
        Some((site, edge)) => {
            client_id == name && will.is_none_or(|topic| topic == format!("{PREFIX}/{site}/{edge}/state"))
        }
        None => will.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::is_own;

    #[test]
    fn everybody_leaves_his_own_will_under_his_own_name() {
        let (own, centre) = ("tankline/v1/a/b/state", "tankline/v1/a/centre/state");
        for (name, client_id, will, expected) in [
            ("a.b", "a.b", None, true),
            ("a.b", "a.b", Some(own), true),
            ("a.b", "a.c", Some(own), false),
            ("a.b", "a.b", Some(centre), false),
            ("a.b", "a.b", Some("tankline/v1/a/b/readings"), false),
            ("tankline-ingest", "tankline-ingest.a", Some(centre), true),
            ("tankline-ingest-west", "any", Some(centre), true),
            ("tankline-ingest", "tankline-ingest.a", Some(own), false),
            ("tankline-ingest", "tankline-ingest.a", Some("tankline/v1/a/b/centre/state"), false),
            ("desk", "a.b", None, true),
            ("desk", "desk", Some(own), false),
            ("", "a.b", Some(own), false),
        ] {
            assert_eq!(is_own(name, client_id, will), expected, "{name} as {client_id} with {will:?}");
        }
    }
}
