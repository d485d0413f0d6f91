// Finds heads by reading the log backward, once, as far as it has to.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>

#include "log/cursor.h"
#include "log/head_source.h"
#include "log/segment_set.h"
#include "log/stream_table.h"

namespace daybook::log {

class HeadScan final : public HeadSource {
 public:
  // `end`: the last position that recovery has not visited.
  HeadScan(std::shared_ptr<SegmentSet> segments, Position end);

  // Costs what lies between the stream's head and what was read before; nothing once everything was.
  Result<StreamHead> head_at_open(std::string_view stream) noexcept override;

 private:
  Result<StreamHead> search(const StreamKey& key);

  std::mutex mutex_;
  Cursor cursor_;
  StreamTable seen_;  // the heads of the streams that the walk has come past
  std::uint64_t events_ = 0;
  bool read_all_ = false;
};

}  // namespace daybook::log
