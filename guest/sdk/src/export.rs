//! How a device becomes a component.

/// Makes a type that implements [`Device`](crate::Device) the device of this module: once, in a crate of type `cdylib`.
///
/// Outside WebAssembly it expands to nothing, so that the same crate is tested natively.
#[macro_export]
macro_rules! export {
    ($device:ty) => {
        #[cfg(target_family = "wasm")]
        #[allow(
            unsafe_code,
            reason = "the component model's calling convention needs exported symbols"
        )]
        const _: () = {
            ::std::thread_local! {
                static SLOT: $crate::__private::Slot<$device> = const { $crate::__private::Slot::empty() };
            }

            struct Export;

            impl $crate::__private::Instance for Export {
                type Device = $device;

                fn slot<R>(act: impl FnOnce(&$crate::__private::Slot<$device>) -> R) -> R {
                    SLOT.with(act)
                }
            }

    $crate::__private::export_bindings!(Export with_types_in $crate::__private::bindings);
        };
    };
}
