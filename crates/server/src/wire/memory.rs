//! How much memory this process may use, as the system says: the machine's, or what its control group leaves of it.

use std::fs;

/// Bytes; `None` where the system does not say.
pub(super) fn limit_bytes() -> Option<u64> {
    smallest(&|path| fs::read_to_string(path).ok())
}

fn smallest(read: &dyn Fn(&str) -> Option<String>) -> Option<u64> {
    let groups = read("/proc/self/cgroup").unwrap_or_default();
    let limits = groups.lines().filter_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let path = path.trim_end_matches('/');
        match controllers {
            "" => Some((format!("/sys/fs/cgroup{path}/memory.max"), "/sys/fs/cgroup/memory.max")),
            "memory" => Some((
                format!("/sys/fs/cgroup/memory{path}/memory.limit_in_bytes"),
                "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            )),
            _ => None,
        }
    });
    // Within a container the group's path may be one of the host, and its files lie at the root.
    let of_groups = limits.filter_map(|(own, root)| read(&own).or_else(|| read(root))?.trim().parse().ok());
    of_groups.chain(read("/proc/meminfo").as_deref().and_then(total_bytes)).min()
}

fn total_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[(&str, &str)], expected: Option<u64>) {
        let read = |path: &str| files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned());
        assert_eq!(smallest(&read), expected, "{files:?}");
    }

    #[test]
    fn the_smallest_limit_counts() {
        let machine = ("/proc/meminfo", "MemTotal:       16000000 kB\nMemFree: 1 kB\n");
        check(&[], None);
        check(&[machine], Some(16_384_000_000));
        let second = ("/proc/self/cgroup", "0::/system.slice/vigie.service\n");
        let own = "/sys/fs/cgroup/system.slice/vigie.service/memory.max";
        check(&[machine, second, (own, "536870912\n")], Some(536_870_912));
        check(&[machine, second, (own, "max\n")], Some(16_384_000_000));
        check(&[machine, second, ("/sys/fs/cgroup/memory.max", "1048576\n")], Some(1_048_576));
        let first = ("/proc/self/cgroup", "12:cpu:/a\n3:memory:/\n");
        check(&[machine, first, ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "2097152\n")], Some(2_097_152));
    }
}
