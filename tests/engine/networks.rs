//! Networks with subnets of our own, and volumes.

use std::collections::HashSet;

use devctl_engine::{EngineError, NetworkCreate, SubnetPool, VolumeCreate, parse_routes};

use crate::support::Bench;

fn routes() -> Vec<devctl_engine::Ipv4Net> {
    parse_routes(&std::fs::read_to_string("/proc/net/route").unwrap_or_default())
}

/// A range that no other test uses at the same time: the second number is the process's.
fn pool() -> SubnetPool {
    let second = 64 + std::process::id() % 64;
    SubnetPool::new(format!("100.{second}.0.0/16").parse().unwrap(), 28).unwrap()
}

impl Bench {
    fn network(&self, number: usize) -> NetworkCreate {
        NetworkCreate {
            name: format!("{}-{number}", self.prefix),
            labels: self.labels(),
            ..NetworkCreate::default()
        }
    }
}

pub(crate) async fn forty(bench: Bench) {
    let mut subnets = HashSet::new();
    // Docker's own pools end at 30. Podman has no such end and takes a second for each network.
    let count = if bench.podman() { 5 } else { 41 };
    for number in 0..count {
        let (id, subnet) = pool()
            .create_network(&*bench.engine, &bench.network(number), &routes())
            .await
            .unwrap();
        assert!(subnets.insert(subnet), "{subnet} was given twice");
        if number == 0 {
            let found = bench.engine.network_inspect(&id).await.unwrap();
            assert_eq!(found.subnets, [subnet]);
            assert_eq!(found.labels, bench.labels());
        }
    }
    assert_eq!(
        bench.engine.network_list(&bench.filter()).await.unwrap().len(),
        count,
    );
    let error = bench.engine.network_create(&bench.network(0)).await.unwrap_err();
    assert_eq!(error.code(), "engine.conflict", "{error}");
    let first = *subnets.iter().next().unwrap();
    let again = NetworkCreate {
        subnet: Some(first),
        ..bench.network(99)
    };
    let error = bench.engine.network_create(&again).await.unwrap_err();
    assert!(matches!(error, EngineError::SubnetTaken { .. }), "{error}");
}

pub(crate) async fn race(bench: Bench) {
    let tasks: Vec<_> = (0..6)
        .map(|number| {
            let bench = bench.clone();
            tokio::spawn(async move {
                let (_, subnet) = pool()
                    .create_network(&*bench.engine, &bench.network(number), &routes())
                    .await
                    .unwrap();
                subnet
            })
        })
        .collect();
    let mut subnets = HashSet::new();
    for task in tasks {
        assert!(subnets.insert(task.await.unwrap()));
    }
}

pub(crate) async fn volumes(bench: Bench) {
    let name = format!("{}-vol", bench.prefix);
    let request = VolumeCreate {
        name: name.clone(),
        labels: bench.labels(),
        ..VolumeCreate::default()
    };
    let made = bench.engine.volume_create(&request).await.unwrap();
    assert_eq!(made.name, name);
    let again = bench.engine.volume_create(&request).await.unwrap();
    assert_eq!(again.mountpoint, made.mountpoint, "the same volume");
    assert_eq!(
        bench.engine.volume_inspect(&name).await.unwrap().labels,
        bench.labels()
    );
    let listed = bench.engine.volume_list(&bench.filter()).await.unwrap();
    assert_eq!(
        listed
            .iter()
            .map(|volume| volume.name.as_str())
            .collect::<Vec<_>>(),
        [name.as_str()]
    );
    bench.engine.volume_remove(&name).await.unwrap();
    assert!(
        bench
            .engine
            .volume_inspect(&name)
            .await
            .unwrap_err()
            .is_not_found()
    );
}
