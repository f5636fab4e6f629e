#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let _ = fleetmend_fuzz::read_as_server(fleetmend_fuzz::archive, input);
});
