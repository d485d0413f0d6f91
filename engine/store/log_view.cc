#include "store/log_view.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "log/cursor.h"
#include "log/query_cursor.h"
#include "log/query_match.h"
#include "store/event_place.h"

namespace daybook {
namespace {

// ReadOptions::recorded_at, said as a window of the query.
Query recorded_in(Query query, const ReadOptions& options) {
  if (!options.recorded_at) return query;
  if (options.direction == Direction::forward) {
    query.recorded_from = std::max(query.recorded_from.value_or(*options.recorded_at), *options.recorded_at);
  } else {
    const Timestamp behind = *options.recorded_at + std::chrono::nanoseconds(1);
    query.recorded_before = std::min(query.recorded_before.value_or(behind), behind);
  }
  return query;
}

}  // namespace

std::unique_ptr<log::EventCursor> LogView::read(const Query& query, const ReadOptions& options) const {
  if (const auto checked = log::check_query(query); !checked) {
    return std::make_unique<log::FailedCursor>(segments, checked.error());
  }
  return std::make_unique<log::QueryCursor>(index, log::QueryPlan(recorded_in(query, options)), options);
}

ResumeToken LogView::end(Visibility visibility) const {
  log::Cursor cursor(segments, {.direction = Direction::backward, .visibility = visibility});
  if (cursor.next() == nullptr) return {.log = segments->log()};
  return cursor.token();
}

Result<ReadOptions> resume_from(const std::shared_ptr<log::SegmentSet>& segments, const ResumeToken& token,
                                const ReadOptions& options) {
  const Error stale{.code = Errc::stale_token, .what = "resume token", .expected = token.position};
  if (token.log != Uuid{} && token.log != segments->log()) return fail(stale);
  if (token.position > 0) {
    const auto event = find_event(segments, token.position);
    if (!event) return fail(event.error());
    if (!*event || (token.epoch != 0 && (*event)->epoch != token.epoch)) return fail(stale);
  }
  ReadOptions from = options;
  from.direction = Direction::forward;
  from.after = token.position;
  return from;
}

}  // namespace daybook
