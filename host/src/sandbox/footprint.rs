//! What instances of a guest need of the pool, read from its bytes.

use wasmparser::{BinaryReaderError, Instance, Parser, Payload};

use super::load::{LoadError, as_component};

/// What a module defines: memories, tables, and entries in its largest table.
type Defined = (u32, u32, usize);

/// Parts of one instance, for which a pool keeps places.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Core instances: the module, and its shims.
    pub core_instances: u32,
    /// Linear memories.
    pub memories: u32,
    /// Tables.
    pub tables: u32,
    /// Entries of the largest table, at the beginning.
    pub table_elements: usize,
}

impl Footprint {
    /// Enough for every guest that this host is made for: the module, its shims, and what a `--stub-wasi` guest brings, two
    /// empty memories among it. The Rust thermostat's tables have 60 entries in all, a Python guest's some 10,000.
    pub const ANY: Self = Self {
        core_instances: 50,
        memories: 3,
        tables: 3,
        table_elements: 100_000,
    };

    /// Of a component, or a core module that wit-bindgen made.
    ///
    /// # Errors
    /// When it is neither.
    pub fn of(name: &str, bytes: &[u8]) -> Result<Self, LoadError> {
        let component = as_component(name, bytes)?;
        let footprint = Self::read(&component).map_err(|error| LoadError::Damaged {
            guest: name.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(footprint.unwrap_or(Self::ANY))
    }

    /// None when it holds others with modules of their own, of which there may be several instances.
    fn read(component: &[u8]) -> Result<Option<Self>, BinaryReaderError> {
        let mut modules: Vec<Defined> = Vec::new();
        let mut sum = Self::default();
        // What is being read: the component itself is the outermost.
        let mut depth = Vec::new();
        for payload in Parser::new(0).parse_all(component) {
            match payload? {
                Payload::ModuleSection { .. } if !depth.is_empty() => return Ok(None),
                Payload::ModuleSection { .. } => {
                    modules.push(Defined::default());
                    depth.push(());
                }
                Payload::ComponentSection { .. } => depth.push(()),
                Payload::End(_) => drop(depth.pop()),
                Payload::MemorySection(section) => {
                    if let Some((memories, ..)) = modules.last_mut() {
                        *memories += section.count();
                    }
                }
                Payload::TableSection(section) => {
                    if let Some((_, tables, elements)) = modules.last_mut() {
                        *tables += section.count();
                        for table in section {
                            *elements = (*elements).max(usize::try_from(table?.ty.initial).unwrap_or(usize::MAX));
                        }
                    }
                }
                Payload::InstanceSection(section) => {
                    for instance in section {
                        let Instance::Instantiate { module_index, .. } = instance? else {
                            continue;
                        };
                        let module = usize::try_from(module_index).ok().and_then(|index| modules.get(index));
                        // One that is imported or an alias, which no tool makes of a guest.
                        let Some((memories, tables, elements)) = module else {
                            return Ok(None);
                        };
                        sum.core_instances += 1;
                        sum.memories += memories;
                        sum.tables += tables;
                        sum.table_elements = sum.table_elements.max(*elements);
                    }
                }
                _ => {}
            }
        }
        Ok(Some(sum))
    }

    /// Enough for either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            core_instances: self.core_instances.max(other.core_instances),
            memories: self.memories.max(other.memories),
            tables: self.tables.max(other.tables),
            table_elements: self.table_elements.max(other.table_elements),
        }
    }

    /// Memory mappings of one instance, by which the kernel counts: of each linear memory what lies before its data, the data,
    /// what lies behind them, and what it may not touch.
    pub fn mappings(&self) -> u64 {
        u64::from(self.memories) * 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::THERMOSTAT;

    #[test]
    fn the_thermostat_needs_a_memory_two_tables_and_its_shims() {
        let footprint = Footprint::of("thermostat", THERMOSTAT).unwrap();
        assert_eq!((footprint.memories, footprint.tables), (1, 2), "{footprint:?}");
        assert!((2..=6).contains(&footprint.core_instances), "{footprint:?}");
        assert!((10..1_000).contains(&footprint.table_elements), "{footprint:?}");
    }

    #[test]
    fn every_instance_of_a_module_is_counted() {
        let twice = wat::parse_str(
            "(component (core module $m (memory 1) (table 7 funcref)) (core instance (instantiate $m)) (core instance (instantiate $m)))",
        );
        let footprint = Footprint::of("twice", &twice.unwrap()).unwrap();
        assert_eq!(
            footprint,
            Footprint {
                core_instances: 2,
                memories: 2,
                tables: 2,
                table_elements: 7
            }
        );
    }

    #[test]
    fn what_may_be_there_several_times_gets_what_anything_gets() {
        let nested = wat::parse_str("(component (component (core module (memory 1))))").unwrap();
        assert_eq!(Footprint::of("nested", &nested).unwrap(), Footprint::ANY);
    }
}
