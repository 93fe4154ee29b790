/**
 * What the running daemon can be asked to do, and the lines in which it answers.
 *
 * The daemon is the only writer and the only spender, so a command that wants something written or
 * bought asks it instead of doing it beside it. An action may take minutes (tokens are waited for),
 * hence the answer is a stream: one JSON object a line, the last of them `done` or `failed`.
 */
import type { RejudgeOutcome } from '../actors/rejudge-changes.ts';
import type { DomainId } from '../keepa/call.ts';
import type { Pause, PauseOrder } from '../store/ports.ts';

/** The daemon cannot do it now (it stands by, starts or stops); the message says why. */
export class ActionRefusedError extends Error {
  override readonly name = 'ActionRefusedError';
}

/** One product to be bought anew because a person asks for it. */
export interface RefreshOrder {
  readonly domainId: DomainId;
  readonly asin: string;
  /** With its live offers, which cost about six tokens more. */
  readonly isVerifying: boolean;
}

export interface RefreshResult {
  readonly costTokens: number;
  /** Why the state is as it was; null: it was judged. */
  readonly why: string | null;
}

export interface PauseResult {
  readonly pause: Pause;
  /** The purpose of the request that was under way and will be finished; null: none was. */
  readonly underWay: string | null;
}

/** A reason is one printable line, because it is shown wherever the pause is. */
export function isPauseReason(text: string): boolean {
  return /^[^\p{Cc}\p{Cf}]{1,200}$/v.test(text) && text.trim() !== '';
}

export interface ControlActions {
  /** Judges all kept evidence again, in bounded steps; calls back with the rows judged so far. */
  rejudge(onProgress: (judged: number) => void): Promise<RejudgeOutcome>;
  /** Says yes to the ending of all rows that are held; returns how many they are. */
  confirmHeld(): Promise<number>;
  /**
   * Buys a product in the class `interactive`. `onQueued` hears within what time the request is
   * sent at the latest; undefined while nothing can be promised.
   */
  refresh(
    order: RefreshOrder,
    onQueued: (waitBoundMs: number | undefined) => void,
  ): Promise<RefreshResult>;
  /** Afterwards nothing more is bought, also by later lives, until the pause ends. */
  pause(order: PauseOrder): Promise<PauseResult>;
  /** Ends the pause; returns the one that was in force. */
  resume(): Promise<Pause | undefined>;
}

/** A line of an answer. Programs of the same version read it, so it has no schema number. */
export type ActionLine =
  | { readonly event: 'progress'; readonly judged: number }
  | { readonly event: 'queued'; readonly waitBoundMs: number | null }
  | { readonly event: 'failed'; readonly why: string }
  | { readonly event: 'rejudged'; readonly outcome: RejudgeOutcome }
  | { readonly event: 'confirmed'; readonly rows: number }
  | { readonly event: 'refreshed'; readonly result: RefreshResult }
  | { readonly event: 'paused'; readonly result: PauseResult }
  | { readonly event: 'resumed'; readonly pause: Pause | null };

export const actionPaths = {
  rejudge: '/actions/rejudge',
  confirmHeld: '/actions/confirm-held',
  refresh: '/actions/refresh',
  pause: '/actions/pause',
  resume: '/actions/resume',
} as const;
