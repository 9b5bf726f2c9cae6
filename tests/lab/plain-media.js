#!/usr/bin/env node
// Calls with the signalling of JsSIP (npm) and plain RTP from a socket of Node's: JsSIP's own media is that of a browser, and there is none here.
// A tone is sent in packets of 20 ms; what comes is counted and listened to. Says as one line of JSON what came of it.
//
//   node plain-media.js --url ws://127.0.0.1:8080 --call sip:bob@lab.example.test --payload 8 --seconds 2
'use strict';
const dgram = require('node:dgram');
const { parseArgs } = require('node:util');

const { values: options } = parseArgs({ options: {
  url: { type: 'string' },
  call: { type: 'string' },
  user: { type: 'string', default: 'alice' },
  domain: { type: 'string', default: 'lab.example.test' },
  address: { type: 'string', default: '127.0.0.1' },
  // RFC 3551 §6: 0 is PCMU, 8 is PCMA.
  payload: { type: 'string', default: '0' },
  seconds: { type: 'string', default: '2' },
} });
const PAYLOAD = Number(options.payload);
const NAME = PAYLOAD === 8 ? 'PCMA' : 'PCMU';
const RATE = 8000;
const PER_PACKET = 160;
const TONE = 440;
// Below that a packet is silence.
const LOUD = 300;

// ITU-T G.711: from a code word to its sample of 16 bits.
function linear(code) {
  if (PAYLOAD === 8) {
    const word = code ^ 0x55;
    const step = (word >> 4) & 7;
    const low = ((word & 15) << 4) + 8;
    const size = step === 0 ? low : (low + 256) << (step - 1);
    return word & 0x80 ? size : -size;
  }
  const word = ~code & 0xff;
  const size = ((((word & 15) << 3) + 132) << ((word >> 4) & 7)) - 132;
  return word & 0x80 ? -size : size;
}

const LINEAR = Array.from({ length: 256 }, (_, code) => linear(code));

// The code word whose sample is nearest.
function code(sample) {
  let best = 0;
  for (let at = 1; at < 256; at += 1) if (Math.abs(LINEAR[at] - sample) < Math.abs(LINEAR[best] - sample)) best = at;
  return best;
}

// One second of the tone, which has a whole number of waves.
const SOUND = Buffer.from(Array.from({ length: RATE }, (_, at) => code(8000 * Math.sin((2 * Math.PI * TONE * at) / RATE))));

// How much of the sound is one tone: the power of that frequency by that of all, 0 to 1 (Goertzel).
function share(samples, frequency) {
  const by = 2 * Math.cos((2 * Math.PI * frequency) / RATE);
  let [last, before, all] = [0, 0, 0];
  for (const sample of samples) {
    [last, before] = [sample + by * last - before, last];
    all += sample * sample;
  }
  const power = last * last + before * before - by * last * before;
  return all === 0 ? 0 : (2 * power) / (samples.length * all);
}

class Media {
  constructor() {
    this.socket = dgram.createSocket('udp4');
    this.socket.on('message', (packet) => this.take(packet));
    this.sent = 0;
    this.received = 0;
    this.foreign = 0;
    this.loud = 0;
    this.numbers = new Set();
    this.samples = [];
  }

  open() {
    return new Promise((resolve) => this.socket.bind(0, options.address, resolve));
  }

  describe() {
    return ['v=0', `o=- 1 1 IN IP4 ${options.address}`, 's=-', `c=IN IP4 ${options.address}`, 't=0 0',
      `m=audio ${this.socket.address().port} RTP/AVP ${PAYLOAD}`, `a=rtpmap:${PAYLOAD} ${NAME}/${RATE}`, 'a=ptime:20', 'a=sendrecv', ''].join('\r\n');
  }

  take(packet) {
    // RFC 3550 §5.1; no header extension and no contributing sources are expected.
    if (packet.length < 12 || packet[0] !== 0x80 || (packet[1] & 0x7f) !== PAYLOAD) {
      this.foreign += 1;
      return;
    }
    this.received += 1;
    this.numbers.add(packet.readUInt16BE(2));
    const samples = Array.from(packet.subarray(12), (word) => LINEAR[word]);
    const level = Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(samples.length, 1));
    if (level >= LOUD) this.loud += 1;
    this.samples.push(...samples);
  }

  flow(description) {
    const address = /^c=IN IP4 (\S+)/m.exec(description)[1];
    const [, port, payload] = /^m=audio (\d+) RTP\/AVP (\d+)/m.exec(description);
    if (Number(payload) !== PAYLOAD) throw new Error(`answered with payload type ${payload}`);
    const began = process.hrtime.bigint();
    this.timer = setInterval(() => {
      // What is late is made up for.
      const due = Number((process.hrtime.bigint() - began) / 20000000n);
      while (this.sent < due) this.socket.send(this.packet(), Number(port), address);
    }, 5);
  }

  packet() {
    const packet = Buffer.alloc(12 + PER_PACKET);
    packet[0] = 0x80;
    packet[1] = PAYLOAD | (this.sent === 0 ? 0x80 : 0);
    packet.writeUInt16BE(this.sent & 0xffff, 2);
    packet.writeUInt32BE(this.sent * PER_PACKET, 4);
    packet.writeUInt32BE(0x5eed, 8);
    const from = (this.sent * PER_PACKET) % RATE;
    SOUND.copy(packet, 12, from, from + PER_PACKET);
    this.sent += 1;
    return packet;
  }

  // Sends no more; what is on its way still comes.
  stop() {
    clearInterval(this.timer);
  }

  close() {
    this.stop();
    this.socket.close();
  }

  judged() {
    const [first, last] = [Math.min(...this.numbers), Math.max(...this.numbers)];
    // A sequence number that went round would look like a great loss.
    const span = last - first > 0x8000 ? this.numbers.size : last - first + 1;
    // A second from the middle: its ends may be silence.
    const from = Math.max(0, Math.floor(this.samples.length / 2) - RATE / 2);
    const tone = share(this.samples.slice(from, from + RATE), TONE);
    const { sent, received, foreign, loud } = this;
    return { sent, received, foreign, loud, lost: received === 0 ? 0 : span - this.numbers.size, tone };
  }
}

const media = new Media();

// What JsSIP asks of a peer connection.
class PlainConnection extends EventTarget {
  constructor() {
    super();
    this.iceGatheringState = 'complete';
    this.iceConnectionState = 'connected';
    this.signalingState = 'stable';
    this.tracks = [];
  }

  addTrack(track) {
    this.tracks.push({ track });
  }

  getSenders() {
    return this.tracks;
  }

  getReceivers() {
    return [];
  }

  async createOffer() {
    await media.open();
    return { type: 'offer', sdp: media.describe() };
  }

  async createAnswer() {
    return { type: 'answer', sdp: media.describe() };
  }

  async setLocalDescription(description) {
    this.localDescription = description;
    this.signalingState = description.type === 'offer' ? 'have-local-offer' : 'stable';
  }

  async setRemoteDescription(description) {
    this.remoteDescription = description;
    this.signalingState = description.type === 'offer' ? 'have-remote-offer' : 'stable';
    if (description.type === 'answer') media.flow(description.sdp);
  }

  close() {
    this.signalingState = 'closed';
    media.stop();
  }
}

globalThis.window = globalThis;
globalThis.RTCPeerConnection = PlainConnection;
globalThis.RTCSessionDescription = class {
  constructor(description) {
    Object.assign(this, description);
  }
};

const JsSIP = require('jssip');
const WebSocketOfNode = require('jssip-node-websocket');
const track = { kind: 'audio', id: 'tone', enabled: true, stop() {} };
const stream = { getTracks: () => [track], getAudioTracks: () => [track], getVideoTracks: () => [] };
const agent = new JsSIP.UA({
  sockets: [new WebSocketOfNode(options.url)],
  uri: `sip:${options.user}@${options.domain}`,
  register: false,
});
const steps = [];

function end(why) {
  agent.stop();
  // For what is on its way: the answer to the BYE, and the last packets.
  setTimeout(() => {
    media.close();
    console.log(JSON.stringify({ steps, why, ...media.judged() }));
    process.exit(0);
  }, 300);
}

agent.on('newRTCSession', ({ session }) => {
  session.on('accepted', () => steps.push('accepted'));
  session.on('confirmed', () => {
    steps.push('confirmed');
    setTimeout(() => session.terminate(), 1000 * Number(options.seconds));
  });
  session.on('ended', ({ originator, cause }) => {
    steps.push('ended');
    end(`${originator} ${cause}`);
  });
  session.on('failed', ({ originator, cause }) => {
    steps.push('failed');
    end(`${originator} ${cause}`);
  });
});
agent.on('connected', () => agent.call(options.call, { mediaStream: stream, mediaConstraints: { audio: true, video: false } }));
// Nobody waits for ever.
setTimeout(() => end('nothing came in time'), 30000).unref();
agent.start();
