-- What people found out about a spike, a range of steps or a layer, in Markdown. A row of note
-- is what it says now, note_revision all that it ever said. The schema is named, since the
-- migration of the views leaves another one first in the search path of its session.
CREATE TABLE "public"."note" (
  "run" UUID NOT NULL,
  "note" UUID NOT NULL,
  "id" TEXT NOT NULL,
  "spike_id" TEXT,
  "layer" INTEGER,
  "from_step" BIGINT,
  "to_step" BIGINT,
  "attempt" INTEGER,
  "markdown" TEXT NOT NULL,
  "author" TEXT NOT NULL,
  "editor" TEXT NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "deleted_at" TIMESTAMPTZ(3),
  "revision" INTEGER NOT NULL DEFAULT 1,
  CONSTRAINT "note_pkey" PRIMARY KEY ("run", "note")
);

CREATE TABLE "public"."note_revision" (
  "run" UUID NOT NULL,
  "note" UUID NOT NULL,
  "revision" INTEGER NOT NULL,
  "author" TEXT NOT NULL,
  "markdown" TEXT NOT NULL,
  "written_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "note_revision_pkey" PRIMARY KEY ("run", "note", "revision")
);
