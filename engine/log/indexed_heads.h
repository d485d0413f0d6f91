// The heads of streams as they were at open, found by index.
#pragma once

#include <cerrno>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

#include "log/head_source.h"
#include "log/log_index.h"

namespace daybook::log {

class IndexedHeads final : public HeadSource {
 public:
  // `end`: the last position that recovery has not visited.
  IndexedHeads(std::shared_ptr<LogIndex> index, Position end) noexcept : index_(std::move(index)), end_(end) {}

  Result<StreamHead> head_at_open(std::string_view stream) noexcept override {
    try {
      return index_->head_before(stream, end_);
    } catch (const std::bad_alloc&) {
      return fail(Error{.code = Errc::io, .sys_errno = ENOMEM, .what = "index"});
    }
  }

 private:
  const std::shared_ptr<LogIndex> index_;
  const Position end_;
};

}  // namespace daybook::log
