//! Handshakes under way: so many and no more, and never so that one who stands still keeps another out.

use std::collections::BTreeMap;

use tokio::task::{AbortHandle, JoinSet};

/// Tasks of which the oldest gives way when there are too many.
pub(super) struct Handshakes {
    limit: usize,
    tasks: JoinSet<u64>,
    /// Those that have not ended, in the order in which they began.
    running: BTreeMap<u64, AbortHandle>,
    next: u64,
}

impl Handshakes {
    pub(super) fn new(limit: usize) -> Handshakes {
        Handshakes {
            limit,
            tasks: JoinSet::new(),
            running: BTreeMap::new(),
            next: 0,
        }
    }

    pub(super) fn spawn(&mut self, handshake: impl Future<Output = ()> + Send + 'static) {
        while let Some(ended) = self.tasks.try_join_next() {
            // Who was aborted has been taken out already.
            if let Ok(number) = ended {
                self.running.remove(&number);
            }
        }
        if self.running.len() >= self.limit
            && let Some((_, oldest)) = self.running.pop_first()
        {
            oldest.abort();
        }
        let number = self.next;
        self.next += 1;
        let task = self.tasks.spawn(async move {
            handshake.await;
            number
        });
        self.running.insert(number, task);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn the_oldest_gives_way_and_whoever_gets_on_is_not_in_its_way() {
        let (sender, mut ended) = mpsc::unbounded_channel();
        let mut handshakes = Handshakes::new(2);
        let stuck = |number| {
            let ending = Ending(number, sender.clone());
            async move {
                let _ending = ending;
                pending().await
            }
        };
        handshakes.spawn(stuck(1));
        for number in 2..10 {
            let ending = Ending(number, sender.clone());
            handshakes.spawn(async move { drop(ending) });
            assert_eq!(
                ended.recv().await,
                Some(number),
                "none is held up, and the first is still there"
            );
        }
        handshakes.spawn(stuck(10));
        handshakes.spawn(stuck(11));
        assert_eq!(ended.recv().await, Some(1));
    }

    struct Ending(u64, mpsc::UnboundedSender<u64>);

    impl Drop for Ending {
        fn drop(&mut self) {
            let _ = self.1.send(self.0);
        }
    }
}
