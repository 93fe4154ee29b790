/** Every checker of a run: one per promise. */

import type { Checker, Watched } from './checker.ts';
import { CheckpointChecker } from './checkpoints.ts';
import { ConvergeChecker } from './converge.ts';
import { EndingsChecker } from './endings.ts';
import { FencingChecker } from './fencing.ts';
import { FloorChecker } from './floor.ts';
import { HeadsChecker } from './heads.ts';
import { IncomeChecker } from './income.ts';
import { LedgerChecker } from './ledger.ts';
import { LivesChecker } from './lives.ts';
import { PausesChecker } from './pauses.ts';
import { ProgressChecker } from './progress.ts';
import { PurchasesChecker } from './purchases.ts';
import { ReconcileChecker } from './reconcile.ts';
import { SecretsChecker } from './secrets.ts';
import { StatusChecker } from './status.ts';
import { StopsChecker } from './stops.ts';
import { StoredProductsChecker } from './stored-products.ts';
import { StoredRowsChecker } from './stored-rows.ts';
import { SweepsChecker } from './sweeps.ts';
import { VerdictsChecker } from './verdicts.ts';
import { WaitsChecker } from './waits.ts';

export function allCheckers(run: Watched): readonly Checker[] {
  return [
    // First, because it says whether the minute was a quiet one.
    new PausesChecker(run),
    new StoredRowsChecker(run),
    new StoredProductsChecker(run),
    new CheckpointChecker(run),
    new FloorChecker(run),
    new WaitsChecker(run),
    new IncomeChecker(run),
    new FencingChecker(run),
    new LivesChecker(run),
    new StopsChecker(run),
    new SweepsChecker(run),
    new EndingsChecker(run),
    new VerdictsChecker(run),
    new PurchasesChecker(run),
    new LedgerChecker(run),
    // Before whoever reads the status, which cannot be made while the counts do not add up.
    new ReconcileChecker(run),
    new SecretsChecker(run),
    new StatusChecker(run),
    new HeadsChecker(run),
    new ProgressChecker(run),
    new ConvergeChecker(run),
  ];
}
