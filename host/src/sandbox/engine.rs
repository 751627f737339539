//! The wasmtime engine: how guests are compiled, where their memory comes from, and what stops one that runs on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::Linker;
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::cache::Cache;
use super::footprint::Footprint;
use super::imports::State;
use super::permission::Permission;
use super::rates::Rates;
use super::ticker::{EPOCH, Ticker};
use super::versions::VERSIONS;
use super::wasi;

/// Stack of a guest: wasmtime's default, stated because it is part of what a guest is promised.
const STACK_BYTES: usize = 512 * 1024;

/// What guests are held to.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Guests alive at one time.
    pub instances: u32,
    /// Linear memory of one guest, in bytes.
    pub memory: usize,
    /// What the largest of them needs of the pool.
    pub footprint: Footprint,
    /// Time for instantiation and `start`.
    pub start: Duration,
    /// Time for every other export.
    pub event: Duration,
    /// How fast each may send, log and wake.
    pub rates: Rates,
    /// What they may have beside the contract.
    pub allow: BTreeSet<Permission>,
}

impl Default for Limits {
    /// 64 guests of 16 MiB, 1 s to start, 100 ms an event, nothing beside the contract.
    fn default() -> Self {
        let (start, event) = (Duration::from_secs(1), Duration::from_millis(100));
        Self {
            instances: 64,
            memory: 16 << 20,
            footprint: Footprint::ANY,
            start,
            event,
            rates: Rates::default(),
            allow: BTreeSet::new(),
        }
    }
}

impl Limits {
    /// A guest that has used up `budget` is stopped within one epoch after it.
    pub(super) fn epochs(budget: Duration) -> u64 {
        u64::try_from(budget.as_millis().div_ceil(EPOCH.as_millis()))
            .unwrap_or(u64::MAX)
            .saturating_add(1)
    }
}

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// This machine cannot give what the limits ask for.
    #[error("the sandbox cannot be set up for {instances} guests of {memory} bytes: {reason:#}; lower the limits")]
    Engine {
        /// Guests asked for.
        instances: u32,
        /// Bytes of memory each.
        memory: usize,
        /// wasmtime's words.
        reason: wasmtime::Error,
    },
    /// Without its ticker nothing would stop a guest that runs on.
    #[error("the sandbox cannot start its clock thread: {0}")]
    Ticker(std::io::Error),
}

/// The place guests run in. Cheap to clone; all clones share one engine.
#[derive(Clone)]
pub struct Sandbox {
    pub(super) engine: Engine,
    pub(super) linker: Arc<Linker<State>>,
    pub(super) limits: Limits,
    pub(super) cache: Option<Arc<Cache>>,
    pub(super) ticker: Arc<Ticker>,
}

impl Sandbox {
    /// A sandbox that keeps compiled code in `cache`, or nowhere.
    pub fn new(limits: Limits, cache: Option<Cache>) -> Result<Self, SandboxError> {
        let failed = |reason| SandboxError::Engine {
            instances: limits.instances,
            memory: limits.memory,
            reason,
        };
        let engine = Engine::new(&config(&limits)).map_err(failed)?;
        let mut linker = Linker::new(&engine);
        for version in VERSIONS {
            version.link(&mut linker).map_err(failed)?;
        }
        if limits.allow.contains(&Permission::Wasi) {
            wasi::link(&mut linker).map_err(failed)?;
        }
        let weak = engine.weak();
        let tick = move || {
            weak.upgrade().is_some_and(|engine| {
                engine.increment_epoch();
                true
            })
        };
        let ticker = Ticker::start(tick).map_err(SandboxError::Ticker)?;
        Ok(Self {
            engine,
            linker: Arc::new(linker),
            limits,
            cache: cache.map(Arc::new),
            ticker: Arc::new(ticker),
        })
    }

    /// What guests are held to here.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }
}

fn config(limits: &Limits) -> Config {
    let Footprint {
        core_instances,
        memories,
        tables,
        table_elements,
    } = limits.footprint;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(limits.instances)
        .total_core_instances(limits.instances.saturating_mul(core_instances))
        .max_core_instances_per_component(core_instances)
        .total_memories(limits.instances.saturating_mul(memories))
        .max_memories_per_component(memories)
        .max_memory_size(limits.memory)
        .total_tables(limits.instances.saturating_mul(tables))
        .max_tables_per_component(tables)
        .table_elements(table_elements)
        .max_component_instance_size(1 << 20)
        .max_core_instance_size(1 << 20);
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        // Address space, not memory: as much as a guest may ever use, so that ten thousand of them fit side by side.
        .memory_reservation(limits.memory as u64)
        .memory_guard_size(1 << 16)
        .max_wasm_stack(STACK_BYTES)
        // Exports are plain calls: no fibers, no stack switch, 0.85 us a tick instead of 2.3.
        .concurrency_support(false)
        // Unlike fuel it costs nothing to speak of, and unlike a timer it stops a guest that never yields.
        .epoch_interruption(true);
    config
}
