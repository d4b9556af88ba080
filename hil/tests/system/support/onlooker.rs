use super::{DEADLINE, Folder, Process, Secured, VIEWER, wait_for_ok};

/// Somebody who subscribes and writes down what he hears: mosquitto's own client, which knows nothing of tankline.
pub struct Onlooker {
    name: String,
    pub process: Process,
}

/// A message that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Whether the broker kept it from before.
    pub retained: bool,
    pub topic: String,
    pub payload: String,
}

impl Onlooker {
    /// Subscribes to everything that a viewer may hear.
    pub fn viewer(folder: &Folder, secured: &Secured, client_id: &str) -> Self {
        Self::start(folder, secured, VIEWER, client_id, &["-t", "tankline/v1/#"])
    }

    /// Subscribes as somebody with a certificate; each filter stands behind a `-t`.
    pub fn start(folder: &Folder, secured: &Secured, name: &str, client_id: &str, arguments: &[&str]) -> Self {
        // It may have lived before, under the same name.
        let before = folder.log(client_id).len();
        let mut command = secured.client(folder, "mosquitto_sub", name, client_id);
        let process = Process::start(folder, client_id, command.args(["-d", "-F", "heard %r %t %p"]).args(arguments));
        let mut onlooker = Self { name: client_id.to_owned(), process };
        wait_for_ok("subscriptions are answered", DEADLINE, || {
            let said = folder.log(&onlooker.name).split_off(before);
            let is_answered = said.contains("Subscribed (") || !onlooker.process.is_running();
            is_answered.then_some(()).ok_or(said)
        });
        onlooker
    }

    /// Gives all that it heard.
    pub fn heard(&self, folder: &Folder) -> Vec<Heard> {
        let said = folder.log(&self.name);
        let whole = said.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let heard = |line: &str| {
            let mut words = line.strip_prefix("heard ")?.splitn(3, ' ');
            let (retained, topic) = (words.next()? == "1", words.next()?.to_owned());
            Some(Heard { retained, topic, payload: words.next()?.to_owned() })
        };
        whole.lines().filter_map(heard).collect()
    }

    /// Waits until it has heard something like this since a number of messages.
    #[track_caller]
    pub fn wait_to_hear(&self, folder: &Folder, since: usize, topic: &str, part: &str) {
        wait_for_ok(&format!("{} hears {part} on {topic}", self.name), DEADLINE, || {
            let heard = self.heard(folder);
            let found = heard.iter().skip(since).any(|heard| heard.topic == topic && heard.payload.contains(part));
            if found { Ok(()) } else { Err(format!("but {heard:#?}")) }
        });
    }
}
