//! Images.

use devctl_engine::EngineKind;
use devctl_testkit::engines::BASE_IMAGE;

use crate::support::Bench;

pub(crate) async fn life(bench: Bench) {
    let base = bench.engine.image_inspect(BASE_IMAGE).await.unwrap();
    assert_eq!(base.os, "linux");
    assert!(base.size > 100 << 20, "{}", base.size);
    assert!(base.id.len() >= 64, "{}", base.id);
    let info = bench.engine.info().await.unwrap();
    assert_eq!(info.arch, base.architecture);
    assert!(info.cpus > 0 && info.memory > 0);

    let other = format!("localhost/{}:v1", bench.prefix);
    bench.engine.image_tag(BASE_IMAGE, &other).await.unwrap();
    assert_eq!(bench.engine.image_inspect(&other).await.unwrap().id, base.id);
    bench.engine.image_remove(&other, false).await.unwrap();
    assert!(
        bench
            .engine
            .image_inspect(&other)
            .await
            .unwrap_err()
            .is_not_found()
    );
    bench.engine.image_inspect(BASE_IMAGE).await.unwrap();

    if bench.engine.facts().kind == EngineKind::Docker {
        let filter = devctl_engine::PullRequest {
            reference: "127.0.0.1:1/nothing:1".into(),
            ..Default::default()
        };
        let error = bench.engine.image_pull(filter, &|_| {}).await.unwrap_err();
        assert_eq!(error.code(), "engine.image_pull", "{error}");
    }
}
