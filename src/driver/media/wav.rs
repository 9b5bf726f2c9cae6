//! WAV files: any that are played, and the one that is recorded.

use crate::capture::create_private;
use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use std::fs::File;
use std::io::BufWriter;
use std::sync::Arc;

/// Samples a second that go over the wire.
const RATE: u32 = 8000;
/// Samples that are kept of a file to play: ten minutes. What is longer is played from the beginning again after that.
const LONGEST: usize = 600 * RATE as usize;

/// A WAV file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {path}: {cause}")]
pub struct WavError {
    operation: &'static str,
    path: String,
    cause: String,
}

impl WavError {
    fn new(operation: &'static str, path: &str, cause: impl ToString) -> Self {
        WavError { operation, path: path.to_owned(), cause: cause.to_string() }
    }
}

/// Reads a WAV file of any rate, width and number of channels: one channel of 8000 samples a second comes out.
///
/// # Errors
/// Where it cannot be read, is no WAV file, or holds no samples.
pub fn read_wav(path: &str) -> Result<Arc<[i16]>, WavError> {
    let failed = |cause: hound::Error| WavError::new("read", path, cause);
    let mut reader = WavReader::open(path).map_err(failed)?;
    let spec = reader.spec();
    if spec.sample_rate == 0 || spec.channels == 0 {
        return Err(WavError::new("read", path, "it says that it has no samples a second, or no channels"));
    }
    let most = LONGEST as u64 * u64::from(spec.sample_rate) / u64::from(RATE) * u64::from(spec.channels);
    let most = usize::try_from(most).unwrap_or(usize::MAX).min(LONGEST * 64);
    let samples: Vec<f32> = match spec.sample_format {
        SampleFormat::Float => reader.samples::<f32>().take(most).collect::<Result<_, _>>().map_err(failed)?,
        SampleFormat::Int => {
            // All widths on one scale, −1 to 1.
            let full = (1u64 << (spec.bits_per_sample.clamp(1, 32) - 1)) as f32;
            let samples = reader.samples::<i32>().take(most);
            samples.map(|s| s.map(|s| s as f32 / full)).collect::<Result<_, _>>().map_err(failed)?
        }
    };
    let mono = mixed(&samples, usize::from(spec.channels));
    let out = resampled(&mono, spec.sample_rate);
    if out.is_empty() {
        return Err(WavError::new("play", path, "it holds no samples"));
    }
    Ok(out.into())
}

/// The mean of all channels.
fn mixed(samples: &[f32], channels: usize) -> Vec<f32> {
    samples.chunks_exact(channels).map(|frame| frame.iter().sum::<f32>() / channels as f32).collect()
}

/// Each sample that goes out is the mean of what lies around its instant (coming down), or lies between its neighbours.
fn resampled(samples: &[f32], rate: u32) -> Vec<i16> {
    let step = f64::from(rate) / f64::from(RATE);
    let count = ((samples.len() as f64 / step) as usize).min(LONGEST);
    let at = |n: usize| samples.get(n.min(samples.len().saturating_sub(1))).copied().unwrap_or(0.0);
    let value = |n: usize| -> f32 {
        let position = n as f64 * step;
        let (from, until) = (position as usize, (position + step) as usize);
        if step > 1.0 && until > from {
            (from..until).map(at).sum::<f32>() / (until - from) as f32
        } else {
            let part = (position - from as f64) as f32;
            at(from) * (1.0 - part) + at(from + 1) * part
        }
    };
    (0..count).map(|n| (value(n).clamp(-1.0, 1.0) * f32::from(i16::MAX)) as i16).collect()
}

/// A recording: one channel, 8000 samples a second, 16 bits, in a file that only its owner can read.
pub struct Recording {
    writer: WavWriter<BufWriter<File>>,
    path: String,
}

impl Recording {
    /// Creates the file.
    ///
    /// # Errors
    /// Where it cannot be created, or the path is a symbolic link.
    pub fn create(path: &str) -> Result<Recording, WavError> {
        let file = create_private(path).map_err(|cause| WavError::new("record to", path, cause))?;
        let spec = WavSpec { channels: 1, sample_rate: RATE, bits_per_sample: 16, sample_format: SampleFormat::Int };
        let writer = WavWriter::new(BufWriter::new(file), spec);
        let writer = writer.map_err(|cause| WavError::new("record to", path, cause))?;
        Ok(Recording { writer, path: path.to_owned() })
    }

    /// Adds samples.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn write(&mut self, samples: &[i16]) -> Result<(), WavError> {
        for &sample in samples {
            self.writer.write_sample(sample).map_err(|cause| WavError::new("record to", &self.path, cause))?;
        }
        Ok(())
    }

    /// Ends the file: its header tells its length only now.
    ///
    /// # Errors
    /// Where the rest cannot be written.
    pub fn close(self) -> Result<(), WavError> {
        let Recording { writer, path } = self;
        writer.finalize().map_err(|cause| WavError::new("record to", &path, cause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn written(spec: WavSpec, path: &str, frames: u32, sample: impl Fn(u32) -> f32) {
        let mut writer = WavWriter::create(path, spec).unwrap();
        for n in 0..frames {
            for _ in 0..spec.channels {
                match spec.sample_format {
                    SampleFormat::Float => writer.write_sample(sample(n)).unwrap(),
                    SampleFormat::Int => {
                        let full = ((1i64 << (spec.bits_per_sample - 1)) - 1) as f32;
                        writer.write_sample((sample(n) * full) as i32).unwrap();
                    }
                }
            }
        }
        writer.finalize().unwrap();
    }

    #[test]
    fn files_of_all_kinds_become_8000_samples_a_second() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("tone.wav");
        let path = path.to_str().unwrap();
        for (rate, channels, bits, format) in [
            (8000, 1, 16, SampleFormat::Int),
            (8000, 1, 8, SampleFormat::Int),
            (44_100, 2, 16, SampleFormat::Int),
            (48_000, 1, 24, SampleFormat::Int),
            (16_000, 6, 32, SampleFormat::Float),
            (4000, 1, 16, SampleFormat::Int),
        ] {
            let spec = WavSpec { channels, sample_rate: rate, bits_per_sample: bits, sample_format: format };
            let tone = |n: u32| 0.5 * (std::f32::consts::TAU * 400.0 * n as f32 / rate as f32).sin();
            written(spec, path, rate, tone);
            let samples = read_wav(path).unwrap();
            assert!(samples.len().abs_diff(8000) <= 2, "{rate} {}", samples.len());
            let peak = samples.iter().map(|s| s.unsigned_abs()).max().unwrap();
            assert!((15_000..=16_500).contains(&peak), "{rate} {bits} {peak}");
            // 400 Hz cross zero upwards 400 times a second.
            let crossings = samples.windows(2).filter(|w| w[0] < 0 && w[1] >= 0).count();
            assert!(crossings.abs_diff(400) <= 2, "{rate} {crossings}");
        }
    }

    #[test]
    fn what_is_no_sound_is_refused_with_its_name() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("x.wav");
        let path = path.to_str().unwrap();
        assert!(read_wav(path).unwrap_err().to_string().starts_with(&format!("cannot read {path}: ")));
        std::fs::write(path, b"RIFF no").unwrap();
        assert!(read_wav(path).is_err());
        let spec = WavSpec { channels: 1, sample_rate: 8000, bits_per_sample: 16, sample_format: SampleFormat::Int };
        written(spec, path, 0, |_| 0.0);
        assert_eq!(read_wav(path).unwrap_err().to_string(), format!("cannot play {path}: it holds no samples"));
    }

    #[test]
    fn a_recording_is_private_and_can_be_played() {
        let room = tempfile::tempdir().unwrap();
        let path = room.path().join("r.wav");
        let path = path.to_str().unwrap();
        let mut recording = Recording::create(path).unwrap();
        recording.write(&[100, -100]).unwrap();
        recording.write(&[3000; 160]).unwrap();
        recording.close().unwrap();
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read_wav(path).unwrap().len(), 162);
    }
}
