#include <daybook/sourcing/decision.h>

#include <algorithm>

namespace daybook {

Decision::Decision(Store& store, DecisionOptions options) : store_(&store), options_(std::move(options)) {}

PendingEvent& Decision::add(std::string_view stream) {
  auto write = std::ranges::find(writes_, stream, &Write::stream);
  if (write == writes_.end()) write = writes_.insert(writes_.end(), {.stream = std::string(stream), .events = {}});
  return write->events.emplace_back();
}

Result<Appended> Decision::save() {
  if (error_) return fail(*error_);
  UnitOfWork work(
      *store_,
      {.command = options_.command, .command_is_new = options_.command_is_new, .durability = options_.durability});
  for (const Write& write : writes_) work.add(write.stream, Expect::any(), write.events);
  for (const AppendCondition& condition : conditions_) work.require(condition);
  return work.save();
}

}  // namespace daybook
