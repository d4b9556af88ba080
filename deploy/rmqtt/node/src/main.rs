//! One node of an RMQTT cluster: TCP and TLS listeners, the rights file, retained messages, Raft.
//!
//! RMQTT's own program has every plugin in it, with clients for Kafka, Pulsar, NATS and Redis. This one has the three that
//! tankline needs, and builds without a C++ compiler. It takes the options and the files of RMQTT's own program.

mod names;

use anyhow::Context as _;
use clap::Parser as _;
use rmqtt::args::CommandArgs;
use rmqtt::context::ServerContext;
use rmqtt::net::{Builder, tls_provider};
use rmqtt::node::Node;
use rmqtt::server::MqttServer;
use rmqtt_conf::{Listener, Options, Settings};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    if options.version {
        println!("rmqtt {}", Node::version());
        return Ok(());
    }
    let file = options.cfg_name.clone().context("name the configuration: --config FILE")?;
    let settings = Settings::init(options).with_context(|| format!("{file} cannot be used"))?;
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(settings.log.level.as_str()))
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .init();
    // The provider of TLS is chosen once for the process.
    let _ = tls_provider::default_provider().install_default();

    let context = context(settings).await?;
    let _names = names::watch(&context).await;
    let server = MqttServer::new(context);
    let listeners = &settings.listeners;
    let plain = listeners.tcps.values().map(|listener| bound(listener)?.tcp());
    let encrypted = listeners.tlss.values().map(|listener| bound(listener)?.tls());
    let listeners = plain.chain(encrypted).collect::<Result<Vec<_>, _>>()?;
    listeners.into_iter().fold(server, |server, listener| server.listener(listener)).build().start();

    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminated.recv() => (),
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    // The threads of Raft know no other end.
    std::process::exit(0);
}

/// Makes the broker, joins the cluster, and puts the rights and the retained messages to work.
async fn context(settings: &Settings) -> anyhow::Result<ServerContext> {
    let (busy, rpc, given) = (&settings.node.busy, &settings.rpc, &settings.opts);
    let context = ServerContext::new()
        .args(CommandArgs {
            node_id: given.node_id,
            plugins_default_startups: given.plugins_default_startups.clone(),
            node_grpc_addrs: given.node_grpc_addrs.clone(),
            raft_peer_addrs: given.raft_peer_addrs.clone(),
            raft_leader_id: given.raft_leader_id,
        })
        .node(Node::new(settings.node.id, busy.loadavg, busy.cpuloadavg, busy.update_interval))
        .task_exec_workers(settings.task.exec_workers)
        .task_exec_queue_max(settings.task.exec_queue_max)
        .busy_check_enable(busy.check_enable)
        .busy_handshaking_limit(busy.handshaking)
        .mqtt_max_sessions(settings.mqtt.max_sessions)
        .plugins_config_dir(settings.plugins.dir.as_str())
        .build()
        .await;
    context.node.start_grpc_server(context.clone(), rpc.server_addr, rpc.reuseaddr, rpc.reuseport);
    rmqtt_acl::register(&context, true, false).await.context("the rights file cannot be used")?;
    rmqtt_retainer::register(&context, true, false).await.context("retained messages cannot be kept")?;
    rmqtt_cluster_raft::register(&context, true, true).await.context("the cluster cannot be joined")?;
    Ok(context)
}

/// Binds a listener as the configuration says.
fn bound(listener: &Listener) -> anyhow::Result<rmqtt::net::Listener> {
    let builder = Builder::new()
        .name(listener.name.as_str())
        .laddr(listener.addr)
        .max_connections(listener.max_connections)
        .max_handshaking_limit(listener.max_handshaking_limit)
        .max_packet_size(listener.max_packet_size.as_u32())
        .backlog(listener.backlog)
        .nodelay(listener.nodelay)
        .reuseaddr(listener.reuseaddr)
        .reuseport(listener.reuseport)
        .allow_anonymous(listener.allow_anonymous)
        .min_keepalive(listener.min_keepalive)
        .max_keepalive(listener.max_keepalive)
        .keepalive_backoff(listener.keepalive_backoff)
        .max_inflight(listener.max_inflight)
        .handshake_timeout(listener.handshake_timeout)
        .max_mqueue_len(listener.max_mqueue_len)
        .mqueue_rate_limit(listener.mqueue_rate_limit.0, listener.mqueue_rate_limit.1)
        .max_clientid_len(listener.max_clientid_len)
        .max_qos_allowed(listener.max_qos_allowed)
        .max_topic_levels(listener.max_topic_levels)
        .session_expiry_interval(listener.session_expiry_interval)
        .message_retry_interval(listener.message_retry_interval)
        .message_expiry_interval(listener.message_expiry_interval)
        .max_subscriptions(listener.max_subscriptions)
        .tls_cross_certificate(listener.cross_certificate)
        .tls_cert(listener.cert.clone())
        .tls_key(listener.key.clone())
        .tls_client_ca_certs(listener.client_ca_certs.clone())
        .cert_cn_as_username(listener.cert_cn_as_username);
    builder.bind().with_context(|| format!("{} cannot be listened on", listener.addr))
}
