//! What one instance may hold of memory and tables, and how much of it it has held.

use wasmtime::ResourceLimiter;

/// Counts what an instance takes. One for each instance.
#[derive(Debug)]
pub(super) struct Held {
    /// Bytes of linear memory it may hold, in all its memories together.
    most: usize,
    /// Bytes it holds. Linear memory never shrinks, so it is also what it has held at most.
    held: usize,
    /// Bytes it held before it was last given some.
    before: usize,
    /// Bytes it asked for and was not given, the last time that happened.
    refused: Option<usize>,
}

impl Held {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            held: 0,
            before: 0,
            refused: None,
        }
    }

    /// The high-water mark of its linear memory, in bytes.
    pub(super) fn peak(&self) -> usize {
        self.held
    }

    /// What it wanted in all and could not have, in bytes.
    pub(super) fn refused(&self) -> Option<usize> {
        self.refused
    }
}

impl ResourceLimiter for Held {
    fn memory_growing(&mut self, current: usize, desired: usize, end: Option<usize>) -> wasmtime::Result<bool> {
        let wanted = self.held.saturating_sub(current).saturating_add(desired);
        if wanted > self.most {
            self.refused = Some(wanted);
            return Ok(false);
        }
        // A memory that has an end of its own is not given anything beyond it, whatever is said here.
        if end.is_some_and(|end| desired > end) {
            return Ok(false);
        }
        (self.before, self.held) = (self.held, wanted);
        Ok(true)
    }

    /// This machine had no more to give.
    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.held = self.before;
        Ok(())
    }

    /// Tables come from the pool, which has an end for each.
    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{Limits, Sandbox};
    use wasmtime::Store;
    use wasmtime::component::{Component, Linker, TypedFunc};

    const PAGE: usize = 1 << 16;

    /// Two memories of a page each, the second of which has an end at four.
    const TWO_MEMORIES: &str = r#"
        (component
            (core module $first
                (memory 1)
                (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
            (core module $second
                (memory 1 4)
                (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
            (core instance $first (instantiate $first))
            (core instance $second (instantiate $second))
            (func (export "grow-first") (param "pages" u32) (result s32) (canon lift (core func $first "grow")))
            (func (export "grow-second") (param "pages" u32) (result s32) (canon lift (core func $second "grow"))))"#;

    struct Two {
        store: Store<Held>,
        first: TypedFunc<(u32,), (i32,)>,
        second: TypedFunc<(u32,), (i32,)>,
    }

    impl Two {
        fn with(pages: usize) -> wasmtime::Result<Two> {
            let limits = Limits {
                memory: pages * PAGE,
                ..Limits::default()
            };
            let sandbox = Sandbox::new(limits, None).unwrap();
            let mut store = Store::new(&sandbox.engine, Held::new(pages * PAGE));
            store.limiter(|held| held);
            store.set_epoch_deadline(1_000);
            let component = Component::new(&sandbox.engine, wat::parse_str(TWO_MEMORIES).unwrap())?;
            let instance = Linker::new(&sandbox.engine).instantiate(&mut store, &component)?;
            let first = instance.get_typed_func(&mut store, "grow-first")?;
            let second = instance.get_typed_func(&mut store, "grow-second")?;
            Ok(Two { store, first, second })
        }

        /// True when it grew.
        fn grow_first(&mut self, pages: u32) -> bool {
            self.first.call(&mut self.store, (pages,)).unwrap().0 >= 0
        }

        fn grow_second(&mut self, pages: u32) -> bool {
            self.second.call(&mut self.store, (pages,)).unwrap().0 >= 0
        }
    }

    #[test]
    fn the_limit_holds_for_all_memories_together() {
        let mut two = Two::with(5).unwrap();
        assert_eq!(two.store.data().peak(), 2 * PAGE);
        assert!(two.grow_first(1) && two.grow_second(1));
        assert!(!two.grow_first(2));
        assert_eq!(two.store.data().refused(), Some(6 * PAGE));
        assert!(two.grow_second(1));
        assert!(!two.grow_first(1) && !two.grow_second(1));
        assert_eq!(two.store.data().peak(), 5 * PAGE);
    }

    #[test]
    fn what_they_have_to_begin_with_counts() {
        assert!(Two::with(2).is_ok());
        assert!(Two::with(1).is_err());
    }

    #[test]
    fn what_a_memory_is_not_given_is_not_counted() {
        let mut two = Two::with(10).unwrap();
        for _ in 0..20 {
            assert!(!two.grow_second(4));
        }
        assert_eq!(two.store.data().peak(), 2 * PAGE);
        assert!(two.grow_first(5) && two.grow_second(3));
    }
}
