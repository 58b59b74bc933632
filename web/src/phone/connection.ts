// One peer connection with the service: one audio stream, G.711, the microphone's track out and the line's in.

/** G.711 at the same 8 kHz as the trunks: nothing is transcoded. */
const CODECS = ["audio/PCMA", "audio/PCMU"];
/** The service sends 50 packets a second, come what may: a path that is quiet this long is given up. */
const PATIENCE_MS = 1500;
const LOOK_MS = 500;

export interface ConnectionEar {
  stream(stream: MediaStream): void;
  /** The path to the service is broken. */
  broken(): void;
}

/** What this side measures, shares 0 to 1. */
export interface Heard {
  roundTripMs: number | null;
  received: number;
  lost: number;
  jitterMs: number;
}

export class Connection {
  private readonly peer: RTCPeerConnection;
  private readonly sender: RTCRtpSender;
  private readonly receiver: RTCRtpReceiver;
  private timer = 0;
  private received = 0;
  private quietMs = 0;

  constructor(servers: RTCIceServer[], track: MediaStreamTrack, ear: ConnectionEar) {
    this.peer = new RTCPeerConnection({ iceServers: servers, bundlePolicy: "max-bundle" });
    const stream = new MediaStream([track]);
    const transceiver = this.peer.addTransceiver(track, { direction: "sendrecv", streams: [stream] });
    const offered = RTCRtpReceiver.getCapabilities("audio")?.codecs ?? [];
    const ours = CODECS.flatMap((name) => offered.filter((codec) => codec.mimeType === name));
    transceiver.setCodecPreferences(ours);
    this.sender = transceiver.sender;
    this.receiver = transceiver.receiver;
    this.peer.ontrack = (event) => ear.stream(event.streams[0] ?? new MediaStream([event.track]));
    this.peer.onconnectionstatechange = () => this.watch(ear);
  }

  /** The offer. Where our candidates are is learnt from the first packet, so nothing is waited for. */
  async offer(): Promise<string> {
    await this.peer.setLocalDescription();
    return this.peer.localDescription?.sdp ?? "";
  }

  async take(answer: string): Promise<void> {
    if (this.peer.signalingState === "have-local-offer") {
      await this.peer.setRemoteDescription({ type: "answer", sdp: answer });
    }
  }

  /** Another microphone, without a new offer. */
  async use(track: MediaStreamTrack): Promise<void> {
    await this.sender.replaceTrack(track);
  }

  async measure(): Promise<Heard> {
    const heard: Heard = { roundTripMs: null, received: 0, lost: 0, jitterMs: 0 };
    (await this.peer.getStats()).forEach((report) => {
      if (report.type === "candidate-pair" && report.nominated && report.currentRoundTripTime !== undefined) {
        heard.roundTripMs = report.currentRoundTripTime * 1000;
      } else if (report.type === "inbound-rtp") {
        heard.received = report.packetsReceived ?? 0;
        heard.lost = Math.max(report.packetsLost ?? 0, 0);
        heard.jitterMs = (report.jitter ?? 0) * 1000;
      }
    });
    return heard;
  }

  close(): void {
    window.clearInterval(this.timer);
    this.peer.onconnectionstatechange = null;
    this.peer.ontrack = null;
    this.peer.close();
  }

  private watch(ear: ConnectionEar): void {
    window.clearInterval(this.timer);
    const state = this.peer.connectionState;
    if (state === "failed") ear.broken();
    else if (state === "connected") this.timer = window.setInterval(() => void this.look(ear), LOOK_MS);
  }

  /** WebRTC itself takes five seconds and more to say that nothing comes any more. */
  private async look(ear: ConnectionEar): Promise<void> {
    let received = 0;
    (await this.receiver.getStats()).forEach((report) => {
      if (report.type === "inbound-rtp") received = report.packetsReceived ?? 0;
    });
    this.quietMs = received === this.received ? this.quietMs + LOOK_MS : 0;
    this.received = received;
    if (this.quietMs >= PATIENCE_MS && this.peer.connectionState !== "closed") ear.broken();
  }
}
