-- Alert rules and channels of a project, and what rules found in runs: incidents, how far each
-- rule has looked, and one row for each message to each channel.
CREATE TABLE "public"."alert_rule" (
  "project" TEXT NOT NULL,
  "rule" UUID NOT NULL,
  "name" TEXT NOT NULL,
  "run" UUID,
  "run_id" TEXT,
  "condition" JSONB NOT NULL,
  "severity" TEXT NOT NULL,
  "channels" UUID[],
  "notify_browsers" BOOLEAN NOT NULL,
  "is_enabled" BOOLEAN NOT NULL,
  "muted_until" TIMESTAMPTZ(3),
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "revision" INTEGER NOT NULL DEFAULT 1,
  "since" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "alert_rule_pkey" PRIMARY KEY ("project", "rule")
);

CREATE TABLE "public"."alert_channel" (
  "project" TEXT NOT NULL,
  "channel" UUID NOT NULL,
  "name" TEXT NOT NULL,
  "kind" TEXT NOT NULL,
  "target" JSONB NOT NULL,
  "secret" TEXT,
  "is_enabled" BOOLEAN NOT NULL DEFAULT true,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "alert_channel_pkey" PRIMARY KEY ("project", "channel")
);

CREATE TABLE "public"."incident" (
  "run" UUID NOT NULL,
  "incident" UUID NOT NULL,
  "project" TEXT NOT NULL,
  "rule" UUID NOT NULL,
  "rule_name" TEXT NOT NULL,
  "severity" TEXT NOT NULL,
  "condition" JSONB NOT NULL,
  "attempt" INTEGER NOT NULL,
  "opened_step" BIGINT,
  "closed_step" BIGINT,
  "opened_at" TIMESTAMPTZ(3) NOT NULL,
  "closed_at" TIMESTAMPTZ(3),
  "closed_by" TEXT,
  "title" TEXT NOT NULL,
  "peak_value" DOUBLE PRECISION,
  "peak_step" BIGINT,
  "layers" INTEGER[],
  "layer_count" INTEGER NOT NULL DEFAULT 0,
  "spike_id" TEXT,
  "acknowledged_at" TIMESTAMPTZ(3),
  "acknowledged_by" TEXT,
  "notify_browsers" BOOLEAN NOT NULL,
  "was_muted" BOOLEAN NOT NULL DEFAULT false,
  CONSTRAINT "incident_pkey" PRIMARY KEY ("run", "incident")
);
CREATE INDEX "incident_project_opened_at_idx" ON "public"."incident" ("project", "opened_at");
CREATE INDEX "incident_opened_at_idx" ON "public"."incident" ("opened_at");

CREATE TABLE "public"."alert_progress" (
  "run" UUID NOT NULL,
  "rule" UUID NOT NULL,
  "attempt" INTEGER NOT NULL,
  "revision" INTEGER NOT NULL,
  "step" BIGINT NOT NULL,
  "state" JSONB NOT NULL,
  CONSTRAINT "alert_progress_pkey" PRIMARY KEY ("run", "rule", "attempt")
);

CREATE TABLE "public"."alert_delivery" (
  "run" UUID NOT NULL,
  "delivery" UUID NOT NULL,
  "incident" UUID NOT NULL,
  "project" TEXT NOT NULL,
  "channel" UUID NOT NULL,
  "status" TEXT NOT NULL DEFAULT 'pending',
  "attempts" INTEGER NOT NULL DEFAULT 0,
  "next_attempt_at" TIMESTAMPTZ(3) NOT NULL,
  "last_error" TEXT,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "delivered_at" TIMESTAMPTZ(3),
  CONSTRAINT "alert_delivery_pkey" PRIMARY KEY ("run", "delivery")
);
CREATE INDEX "alert_delivery_status_next_attempt_at_idx" ON "public"."alert_delivery" ("status", "next_attempt_at");
CREATE INDEX "alert_delivery_project_created_at_idx" ON "public"."alert_delivery" ("project", "created_at");
