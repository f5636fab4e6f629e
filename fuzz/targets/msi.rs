#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let _ = fleetmend_fuzz::msi(input);
});
