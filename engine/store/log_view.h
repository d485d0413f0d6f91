// What is needed to read a log, apart from its Store: consumers and subscriptions may outlive theirs, as cursors do.
#pragma once

#include <memory>

#include <daybook/cursor.h>
#include <daybook/error.h>
#include <daybook/options.h>
#include <daybook/query.h>

#include "log/event_cursor.h"
#include "log/log_index.h"
#include "log/segment_set.h"

namespace daybook {

// Thread safety: all methods, from any thread.
struct LogView {
  std::shared_ptr<log::SegmentSet> segments;
  std::shared_ptr<log::LogIndex> index;

  // An invalid query is an error of the cursor.
  [[nodiscard]] std::unique_ptr<log::EventCursor> read(const Query& query, const ReadOptions& options) const;
  // The place of the last event that is visible; position 0 = there is none.
  [[nodiscard]] ResumeToken end(Visibility visibility) const;
};

// `options`, to go on behind a token: stale_token if the log it names, or the event it names, is not here any more.
Result<ReadOptions> resume_from(const std::shared_ptr<log::SegmentSet>& segments, const ResumeToken& token,
                                const ReadOptions& options);

}  // namespace daybook
