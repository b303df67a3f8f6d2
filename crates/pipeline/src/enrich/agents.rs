//! What a browser or program says that it is, told by the rules of uap-core (Apache-2.0); crawlers by a list that people keep
//! up to date (MIT). Both are compiled in, made by `scripts/make-lookups.mjs`.

use std::sync::{Arc, LazyLock};

use regex::Regex;
use ua_parser::Extractor;
use vigie_domain::Text;

use super::kept::Kept;

static RULES: &str = include_str!("../../data/user_agents.json");
static CRAWLERS: &str = include_str!("../../data/crawlers.txt");
/// Answers that are kept: a shop sees some thousands of different ones a day.
const KEPT_MAX: usize = 8_192;
/// Bytes of a header that are looked at and kept; real ones have some 150.
const LOOKED_AT_MAX: usize = 1_024;
/// Bytes that the crawlers' pattern may take, made ready.
const CRAWLERS_SIZE_MAX: usize = 32 * 1024 * 1024;

/// The rules made ready: a tenth of a second and some 30 MB, so only once and only when they are asked.
static READY: LazyLock<Option<(Extractor<'static>, Regex)>> = LazyLock::new(|| {
    let rules: ua_parser::Regexes<'static> = serde_json::from_str(RULES).ok()?;
    let any: Vec<String> = CRAWLERS.lines().map(|pattern| format!("(?:{pattern})")).collect();
    let crawlers = regex::RegexBuilder::new(&any.join("|")).size_limit(CRAWLERS_SIZE_MAX).build().ok()?;
    Some((Extractor::try_from(rules).ok()?, crawlers))
});

/// What is known of a browser or program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Agent {
    pub(crate) name: Option<Text>,
    pub(crate) version: Option<Text>,
    /// The system with its version, such as `Windows 10`.
    pub(crate) os: Option<Text>,
    pub(crate) device: Option<Text>,
    pub(crate) is_bot: bool,
}

/// Tells agents, and keeps what it told.
#[derive(Debug)]
pub(crate) struct Agents {
    kept: Kept<Text, Arc<Agent>>,
}

impl Default for Agents {
    fn default() -> Self {
        Self { kept: Kept::new(KEPT_MAX) }
    }
}

impl Agents {
    /// What the header says.
    pub(crate) fn tell(&self, header: &str) -> Arc<Agent> {
        let looked_at = &header[..header.floor_char_boundary(LOOKED_AT_MAX)];
        self.kept.get(looked_at, || (looked_at.into(), Arc::new(tell(looked_at))))
    }
}

fn tell(header: &str) -> Agent {
    let Some((extractor, crawlers)) = &*READY else { return Agent::default() };
    let (browser, os, device) = extractor.extract(header);
    let mut agent = Agent { is_bot: crawlers.is_match(header), ..Agent::default() };
    if let Some(browser) = browser {
        agent.version = version(&[browser.major, browser.minor, browser.patch]);
        agent.name = Some(browser.family.into());
    }
    if let Some(os) = os {
        let version = version(&[os.major.as_deref(), os.minor.as_deref(), os.patch.as_deref()]);
        agent.os = Some(version.map_or_else(|| os.os.as_ref().into(), |version| format!("{} {version}", os.os).into()));
    }
    if let Some(device) = device {
        agent.is_bot |= device.device == "Spider";
        agent.device = Some(device.device.as_ref().into());
    }
    agent
}

/// The numbers with dots, up to the first that is not there.
fn version(numbers: &[Option<&str>]) -> Option<Text> {
    let known: Vec<&str> = numbers.iter().map_while(|number| number.filter(|number| !number.is_empty())).collect();
    (!known.is_empty()).then(|| known.join(".").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_tell_browser_system_and_device() {
        let agents = Agents::default();
        let check = |header: &str, expected: [Option<&str>; 4], is_bot: bool| {
            let agent = agents.tell(header);
            let found = [&agent.name, &agent.version, &agent.os, &agent.device].map(Option::as_deref);
            assert_eq!((found, agent.is_bot), (expected, is_bot), "{header}");
            assert_eq!(agents.tell(header), agent, "what is kept says the same");
        };
        check(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
            [Some("Chrome"), Some("120.0.0"), Some("Windows 10"), None],
            false,
        );
        check(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1",
            [Some("Mobile Safari"), Some("17.1"), Some("iOS 17.1"), Some("iPhone")],
            false,
        );
        check(
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            [Some("Googlebot"), Some("2.1"), None, Some("Spider")],
            true,
        );
        check("curl/8.1.2", [Some("curl"), Some("8.1.2"), None, None], true);
        check("", [None; 4], false);
        assert!(!agents.tell(&"é".repeat(5_000)).is_bot);
    }
}
