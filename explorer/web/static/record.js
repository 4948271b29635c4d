/**
 * The microphone as a WAV file.
 * Knows: MediaRecorder, and 16-bit WAV. Does not know: what the recording is for.
 */

/** Longest recording in seconds; it stops by itself then. */
export const MOST_SECONDS = 60;

export const canRecord = () => Boolean(navigator.mediaDevices?.getUserMedia && window.MediaRecorder);

/** Begins to record. `ended` gets the WAV File when it was stopped; returns {stop()}. Throws where the microphone is refused. */
export async function record(ended) {
  let stream;
  try {
    // As it sounds: telephone filters would be part of the song.
    stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
  } catch (error) {
    throw new Error(error.name === 'NotFoundError' ? 'No microphone was found. The form is kept. Choose a file instead.'
      : 'The browser does not let this page use the microphone. The form is kept. Allow it, or choose a file.', { cause: error });
  }
  const recorder = new MediaRecorder(stream);
  const pieces = [];
  recorder.addEventListener('dataavailable', (event) => pieces.push(event.data));
  recorder.addEventListener('stop', async () => {
    clearTimeout(limit);
    for (const track of stream.getTracks()) track.stop();
    ended(new Blob(pieces, { type: recorder.mimeType }));
  });
  recorder.start();
  const stop = () => { if (recorder.state !== 'inactive') recorder.stop(); };
  const limit = setTimeout(stop, MOST_SECONDS * 1000);
  return { stop };
}

/** Decodes what a recorder wrote and writes it as a mono WAV File. */
export async function toWav(blob, name) {
  const rate = 44_100;
  const sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(await blob.arrayBuffer());
  const channels = Array.from({ length: sound.numberOfChannels }, (_, i) => sound.getChannelData(i));
  const bytes = new DataView(new ArrayBuffer(44 + sound.length * 2));
  const ascii = (at, text) => [...text].forEach((letter, i) => bytes.setUint8(at + i, letter.charCodeAt(0)));
  ascii(0, 'RIFF');
  bytes.setUint32(4, 36 + sound.length * 2, true);
  ascii(8, 'WAVEfmt ');
  bytes.setUint32(16, 16, true);
  bytes.setUint16(20, 1, true); // PCM
  bytes.setUint16(22, 1, true); // mono
  bytes.setUint32(24, rate, true);
  bytes.setUint32(28, rate * 2, true);
  bytes.setUint16(32, 2, true);
  bytes.setUint16(34, 16, true);
  ascii(36, 'data');
  bytes.setUint32(40, sound.length * 2, true);
  for (let i = 0; i < sound.length; i += 1) {
    const mono = channels.reduce((sum, channel) => sum + channel[i], 0) / channels.length;
    bytes.setInt16(44 + i * 2, Math.round(Math.max(-1, Math.min(1, mono)) * 32767), true);
  }
  return new File([bytes.buffer], name, { type: 'audio/wav' });
}
