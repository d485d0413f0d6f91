// History by index: costs what it finds, and indexes what was appended since the last question.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "log/history.h"
#include "log/log_index.h"
#include "log/log_state.h"

namespace daybook::log {

class IndexedHistory final : public History {
 public:
  // Ids are looked for in the newest `id_horizon` events.
  IndexedHistory(const LogState& state, std::shared_ptr<LogIndex> index, std::uint64_t id_horizon) noexcept
      : state_(state), index_(std::move(index)), id_horizon_(id_horizon) {}

  Result<Match> first_match(const Query& query, Position after) override;
  Result<IdMatches> find_ids(std::span<const EventId> ids) override;

 private:
  struct Now {
    std::shared_ptr<const Parts> parts;
    format::Address looked{};
  };
  // Everything that is published now, and where that ends.
  Result<Now> look();

  const LogState& state_;
  const std::shared_ptr<LogIndex> index_;
  const std::uint64_t id_horizon_;
};

}  // namespace daybook::log
