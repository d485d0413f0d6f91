// Commands that may be sent twice.
#pragma once

#include <cstdint>
#include <optional>

#include <daybook/export.h>
#include <daybook/sourcing/event_context.h>
#include <daybook/types.h>

namespace daybook {

// The identity of a command, chosen by whoever sends it and sent again when it is tried again: any 16 bytes, a UUID
// usually.
using CommandId = Uuid;

// The id of the n-th event (from 0) that a command leads to: a function of both, so that the same command cannot be
// recorded twice.
DAYBOOK_EXPORT EventId event_id_of(const CommandId& command, std::uint32_t index);

// What a command carries besides its own fields.
struct CommandContext {
  std::optional<CommandId> id{};  // with it, a command that has been recorded is not carried out again
  EventContext event{};           // goes into the metadata of its events
};

}  // namespace daybook
