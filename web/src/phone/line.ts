// The line to the service: the socket, and a peer connection that is made anew whenever the old one broke.
import { useSession } from "@/api/session";
import { LastingSocket } from "@/api/socket";
import { Connection, type Heard } from "./connection";
import type { FromPage, LineStats, ToPage, Trouble } from "./messages";

/** An offer that led to nothing is made again after this long, then after longer and longer. */
const FIRST_WAIT_MS = 3000;
/** An offer is answered in some milliseconds: without an answer the socket leads nowhere; the next one is given longer. */
const FIRST_ANSWER_MS = 1000;
const LONGEST_WAIT_MS = 30_000;
/** A browser that was only silent comes back by itself within this. */
const PATIENCE_MS = 500;

export interface LineEar {
  connected(is: boolean): void;
  stats(stats: LineStats): void;
  stream(stream: MediaStream): void;
  /** Another page has the phone. */
  taken(): void;
  trouble(trouble: Trouble): void;
  /** The service does not give an echo now. */
  busy(): void;
}

export class Line {
  private readonly socket: LastingSocket<ToPage, FromPage>;
  private connection: Connection | null = null;
  private servers: RTCIceServer[] = [];
  private welcome = false;
  private awaited = 0;
  private waitMs = FIRST_WAIT_MS;
  private answerMs = FIRST_ANSWER_MS;
  private timer = 0;

  constructor(
    private track: MediaStreamTrack,
    private readonly ear: LineEar,
  ) {
    this.socket = new LastingSocket("/v1/phone", { heard: (message) => this.take(message), lost: (is) => this.lost(is) });
  }

  open(): void {
    this.socket.open();
  }

  /** Nobody is logged in: what is said goes on as long as the service lets it, the socket waits. */
  rest(): void {
    this.socket.close();
    this.forget();
    this.ear.trouble("sentAway");
  }

  /** Somebody is logged in again. */
  resume(): void {
    this.socket.hurry();
  }

  close(): void {
    this.socket.close();
    this.forget();
    this.drop();
  }

  async use(track: MediaStreamTrack): Promise<void> {
    this.track = track;
    await this.connection?.use(track);
  }

  /** Has us hear ourselves, or not any more. */
  echo(on: boolean): boolean {
    return this.socket.send({ type: "echo", on });
  }

  async measure(): Promise<Heard | null> {
    return (await this.connection?.measure()) ?? null;
  }

  private take(message: ToPage): void {
    switch (message.type) {
      case "welcome":
        this.welcome = true;
        this.servers = message.ice_servers.map(({ urls, username, credential }) => ({ urls, username, credential }));
        void this.offer();
        break;
      case "answer":
        this.awaited -= 1;
        if (this.awaited === 0) this.answered(message.sdp);
        break;
      case "state":
        this.stateChanged(message.connected);
        break;
      case "stats":
        this.ear.stats(message);
        break;
      case "taken":
        this.close();
        this.ear.taken();
        break;
      case "error":
        this.refused(message.reason);
    }
  }

  private refused(reason: Extract<ToPage, { type: "error" }>["reason"]): void {
    if (reason === "busy") {
      this.ear.busy();
      return;
    }
    if (reason === "unusable_offer") {
      this.awaited -= 1;
      this.wait(() => this.retry(), LONGEST_WAIT_MS);
    }
    if (reason === "ended") void this.offer();
    else this.ear.trouble("unusable");
  }

  private stateChanged(connected: boolean): void {
    window.clearTimeout(this.timer);
    if (connected) this.waitMs = FIRST_WAIT_MS;
    else this.wait(() => this.retry(), PATIENCE_MS);
    this.ear.connected(connected);
  }

  private lost(sentAway: boolean): void {
    this.forget();
    if (sentAway) void useSession().check();
  }

  private forget(): void {
    this.welcome = false;
    this.awaited = 0;
    window.clearTimeout(this.timer);
  }

  private answered(sdp: string): void {
    this.wait(() => this.retry(), this.waitMs);
    this.waitMs = Math.min(this.waitMs * 2, LONGEST_WAIT_MS);
    this.answerMs = FIRST_ANSWER_MS;
    void this.connection?.take(sdp);
  }

  /** The socket led nowhere, though nobody said so. */
  private unanswered(): void {
    this.forget();
    this.socket.renew();
  }

  private wait(then: () => void, milliseconds: number): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(then, milliseconds);
  }

  /** A new connection in place of the old one. */
  private async offer(): Promise<void> {
    this.drop();
    const connection = new Connection(this.servers, this.track, {
      stream: (stream) => this.ear.stream(stream),
      broken: () => this.broken(),
    });
    this.connection = connection;
    const sdp = await connection.offer();
    if (this.connection !== connection) return;
    if (!this.socket.send({ type: "offer", sdp })) return;
    this.awaited += 1;
    this.wait(() => this.unanswered(), this.answerMs);
    this.answerMs = Math.min(this.answerMs * 2, LONGEST_WAIT_MS);
  }

  private broken(): void {
    this.ear.connected(false);
    this.retry();
  }

  private retry(): void {
    if (this.welcome) void this.offer();
  }

  private drop(): void {
    window.clearTimeout(this.timer);
    this.connection?.close();
    this.connection = null;
  }
}
