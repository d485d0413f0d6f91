// Where the heads of streams come from that this session has not met yet.
#pragma once

#include <string_view>

#include <daybook/error.h>
#include <daybook/store.h>

namespace daybook::log {

// Thread safety: any thread at any time. Not lock-free, and may read: it is asked once for a stream, before its first
// append claims anything.
class HeadSource {
 public:
  virtual ~HeadSource() = default;

  // The head of a stream as it was when the log was opened, whatever was appended since; version 0 when there was no
  // such stream. An error: what had to be read cannot be. Streams that recovery has visited are never asked for.
  virtual Result<StreamHead> head_at_open(std::string_view stream) noexcept = 0;
};

}  // namespace daybook::log
