//! The Python binding: `dialer_native.Engine`. Everything crosses as plain numbers, strings and bytes;
//! `dialer.media.engine` makes the typed face of it. Every call returns at once; long work (encoding a prompt,
//! stopping) is done with the GIL released.
#![allow(unsafe_code)] // PyO3's macros

use crate::engine::{Engine as Core, Settings};
use crate::events::Kind;
use crate::g711::Codec;
use crate::leg::Remote;
use crate::listening::{Mode, Refusal};
use crate::meter::FRAME_SAMPLES;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

const NO_KEY_TYPE: i16 = -1;

type FiguresTuple = (u64, u64, u64, u64, u64, f64, f64, Option<f64>, Option<f64>, Option<f64>);
type SpoolTuple = (f64, f64, u64, Vec<String>);

#[pyclass(module = "dialer_native", frozen)]
struct Engine {
    core: Core,
}

fn ip(host: &str) -> PyResult<IpAddr> {
    host.parse().map_err(|_| PyValueError::new_err(format!("{host:?} is not an IP address")))
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (
        host, port_min, port_max, workers, rtp_timeout_s, spool_dir, second_spool_dir=None, advertised_host=None
    ))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        host: &str,
        port_min: u16,
        port_max: u16,
        workers: usize,
        rtp_timeout_s: f64,
        spool_dir: PathBuf,
        second_spool_dir: Option<PathBuf>,
        advertised_host: Option<&str>,
    ) -> PyResult<Self> {
        let (host, advertised) = (ip(host)?, advertised_host.map(ip).transpose()?);
        let settings =
            Settings { host, advertised, port_min, port_max, workers, rtp_timeout_s, spool_dir, second_spool_dir };
        let core = Core::start(settings).map_err(|error| PyOSError::new_err(error.to_string()))?;
        Ok(Self { core })
    }

    fn stop(&self, py: Python<'_>) {
        py.detach(|| self.core.stop());
    }

    fn fileno(&self) -> i32 {
        self.core.events().descriptor()
    }

    fn dropped_blocks(&self) -> u64 {
        self.core.events().dropped()
    }

    fn spool_figures(&self) -> SpoolTuple {
        let figures = self.core.writer().figures();
        (figures.not_durable_s, figures.longest_not_durable_s, figures.moved, figures.problems)
    }

    fn prefer_spool(&self, index: usize) {
        self.core.writer().prefer(index);
    }

    fn trust_spool(&self, index: usize) {
        self.core.writer().trust(index);
    }

    fn open(&self) -> Option<(u64, u16)> {
        self.core.open()
    }

    fn open_browser(&self) -> Option<(u64, u16)> {
        self.core.open_browser()
    }

    /// The answer to a browser's offer; `None`: there is no such leg. ValueError: what is wrong with the offer.
    fn accept(&self, py: Python<'_>, leg: u64, offer: &str) -> PyResult<Option<String>> {
        py.detach(|| self.core.accept(leg, offer)).transpose().map_err(PyValueError::new_err)
    }

    fn set_echo(&self, leg: u64, is_on: bool) -> bool {
        self.core.set_echo(leg, is_on)
    }

    #[pyo3(signature = (leg, host, port, payload_type, key_type, sends))]
    fn set_remote(
        &self,
        leg: u64,
        host: &str,
        port: u16,
        payload_type: u8,
        key_type: i16,
        sends: bool,
    ) -> PyResult<bool> {
        let codec = Codec::from_payload_type(payload_type)
            .ok_or_else(|| PyValueError::new_err(format!("payload type {payload_type} is not G.711")))?;
        let key_type = if key_type == NO_KEY_TYPE {
            None
        } else {
            Some(
                u8::try_from(key_type)
                    .ok()
                    .filter(|value| *value < 128)
                    .ok_or_else(|| PyValueError::new_err("a payload type is 0 to 127"))?,
            )
        };
        let address = SocketAddr::new(ip(host)?, port);
        Ok(self.core.set_remote(leg, Remote { address, codec, key_type, sends }))
    }

    fn play(&self, py: Python<'_>, leg: u64, pcm: &[u8], is_loop: bool) -> Option<u64> {
        py.detach(|| self.core.play(leg, pcm, is_loop))
    }

    fn stop_play(&self, leg: u64) -> bool {
        self.core.stop_play(leg)
    }

    fn start_tap(&self, leg: u64, block_samples: usize) -> bool {
        self.core.start_tap(leg, block_samples)
    }

    fn stop_tap(&self, leg: u64) -> bool {
        self.core.stop_tap(leg)
    }

    fn send_dtmf(&self, leg: u64, keys: &[u8]) -> bool {
        self.core.send_dtmf(leg, keys)
    }

    fn start_recording(&self, leg: u64, recording_id: &str) -> bool {
        self.core.start_recording(leg, recording_id)
    }

    fn stop_recording(&self, leg: u64) -> bool {
        self.core.stop_recording(leg)
    }

    fn pause_recording(&self, leg: u64) -> bool {
        self.core.pause_recording(leg)
    }

    fn resume_recording(&self, leg: u64) -> bool {
        self.core.resume_recording(leg)
    }

    fn bridge(&self, a: u64, b: u64) -> bool {
        self.core.bridge(a, b)
    }

    fn unbridge(&self, leg: u64) -> bool {
        self.core.unbridge(leg)
    }

    /// Why not; None: it is so from now on.
    fn listen_in(&self, listener: u64, agent: u64, mode: &str) -> PyResult<Option<&'static str>> {
        let mode = match mode {
            "monitor" => Mode::Monitor,
            "whisper" => Mode::Whisper,
            "barge" => Mode::Barge,
            _ => return Err(PyValueError::new_err(format!("{mode:?} is no way to listen in"))),
        };
        Ok(self.core.listen_in(listener, agent, mode).err().map(Refusal::words))
    }

    fn stop_listening(&self, listener: u64) {
        self.core.stop_listening(listener);
    }

    fn close(&self, leg: u64) -> bool {
        self.core.close(leg)
    }

    fn stats(&self, leg: u64) -> Option<FiguresTuple> {
        let figures = self.core.figures(leg)?;
        Some((
            figures.sent,
            figures.received,
            figures.lost,
            figures.duplicates,
            figures.ignored,
            figures.jitter_ms,
            figures.mos,
            figures.round_trip_ms,
            figures.remote_loss,
            figures.remote_jitter_ms,
        ))
    }

    /// Everything that waits: `(name, leg, at, …)` tuples, control before audio.
    fn drain<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let (control, audio) = self.core.events().take();
        let list = PyList::empty(py);
        for event in control {
            let (leg, at) = (event.leg, event.at);
            match event.kind {
                Kind::FirstPacket(from) => {
                    list.append(("first_packet", leg, at, from.ip().to_string(), from.port()))?
                }
                Kind::Key(key) => list.append(("dtmf", leg, at, key))?,
                Kind::PlayFinished { play_id, completed } => {
                    list.append(("play_finished", leg, at, play_id, completed))?;
                }
                Kind::RtpTimeout => list.append(("rtp_timeout", leg, at))?,
                Kind::BrowserConnected => list.append(("browser_connected", leg, at))?,
                Kind::BrowserLost => list.append(("browser_lost", leg, at))?,
                Kind::RecordingFailed { recording_id, reason } => {
                    list.append(("recording_failed", leg, at, &*recording_id, reason))?;
                }
            }
        }
        for block in &audio {
            list.append(("audio", block.leg, block.at, PyBytes::new(py, &block.pcm), block.position))?;
        }
        self.core.events().give_back(audio);
        Ok(list)
    }
}

type MeasuredTuple = (f64, bool, f64, f64, f64, f64, f64);

/// A meter that may be dropped, or used next, in another thread than the one that made it.
struct Movable(crate::meter::Meter);

// SAFETY: the only part that is not `Send` by itself is webrtcvad's state, a block of memory that belongs to this meter
// alone and holds nothing of a thread.
unsafe impl Send for Movable {}

/// Measures frames, one at a time.
#[pyclass(module = "dialer_native", frozen)]
struct Meter {
    core: Mutex<Movable>,
}

#[pymethods]
impl Meter {
    #[new]
    fn new(vad_mode: u8) -> PyResult<Self> {
        let core = crate::meter::Meter::new(vad_mode);
        let core = core.ok_or_else(|| PyValueError::new_err(format!("no VAD mode {vad_mode}: 0 to 3")))?;
        Ok(Self { core: Mutex::new(Movable(core)) })
    }

    fn measure(&self, pcm: &[u8]) -> PyResult<MeasuredTuple> {
        if pcm.len() != 2 * FRAME_SAMPLES {
            let words = format!("a frame is {} bytes, not {}", 2 * FRAME_SAMPLES, pcm.len());
            return Err(PyValueError::new_err(words));
        }
        let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        let measured = core.0.measure(&std::array::from_fn(|at| i16::from_le_bytes([pcm[2 * at], pcm[2 * at + 1]])));
        Ok((
            measured.level_dbfs,
            measured.voiced,
            measured.line_hz,
            measured.line_share,
            measured.rival_hz,
            measured.pair_share,
            measured.periodicity,
        ))
    }
}

#[pymodule]
fn dialer_native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Engine>()?;
    module.add_class::<Meter>()
}
