#include "concurrency/history.h"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

namespace daybook::concurrency {
namespace {

constexpr Time kNever = std::numeric_limits<Time>::max();

std::string at(Position position) { return " at position " + std::to_string(position); }

// A stream after one of its appends: the version that others could see, and when.
struct State {
  Version version = 0;
  Position position = 0;
  Time earliest = 0;  // not before the append was invoked
  Time latest = 0;    // not after it returned
};

class Checker {
 public:
  explicit Checker(const History& history) : history_(history), states_(history.streams) {
    for (auto& states : states_) states.push_back(State{});
  }

  std::optional<std::string> run() {
    follow_log();
    if (!flaw_) find_lost_appends();
    for (const Session& session : history_.sessions) check_session(session);
    for (const ReadSession& reader : history_.readers) check_reader(reader);
    return flaw_;
  }

 private:
  bool failed(std::string what) {
    if (!flaw_) flaw_ = std::move(what);
    return false;
  }

  // Goes through the log append by append, in the order in which they took effect.
  void follow_log() {
    seen_.resize(history_.sessions.size());
    for (std::size_t i = 0; i < seen_.size(); ++i) seen_[i].resize(history_.sessions[i].appends.size());
    latest_invoked_.assign(history_.log.size() + 1, 0);
    Time latest_invoked = 0;
    for (Position position = 1; position <= history_.log.size() && !flaw_;) {
      const LoggedEvent& event = history_.log[position - 1];
      if (event.thread >= seen_.size() || event.operation >= seen_[event.thread].size()) {
        failed("an event that nobody appended" + at(position));
        return;
      }
      const AppendOperation& append = history_.sessions[event.thread].appends[event.operation];
      if (!follow_append(append, event, position)) return;
      // Whoever came back before another one began is before it in the log.
      if (append.returned < latest_invoked) {
        failed("an append that had returned comes after one that had not begun" + at(position));
        return;
      }
      latest_invoked = std::max(latest_invoked, append.invoked);
      for (std::uint64_t i = 0; i < append.events(); ++i) latest_invoked_[position++] = latest_invoked;
    }
  }

  bool follow_append(const AppendOperation& append, const LoggedEvent& first, Position position) {
    if (append.refused) return failed("an event of an append that was refused" + at(position));
    if (seen_[first.thread][first.operation]) return failed("an append twice" + at(position));
    seen_[first.thread][first.operation] = true;
    if (append.first != position || append.last != position + append.events() - 1) {
      return failed("an append that was told other positions" + at(position));
    }
    if (append.last > history_.log.size()) return failed("an append that is not whole" + at(position));
    std::uint32_t index = 0;
    for (std::uint32_t i = 0; i < append.streams; ++i) {
      const StreamPart& part = append.parts[i];
      auto& states = states_[part.stream];
      Version version = states.back().version;
      if (!part.expect.met_by(version)) return failed("an append that expected another version" + at(position));
      for (std::uint32_t j = 0; j < part.events; ++j, ++index, ++position) {
        const LoggedEvent expected{first.thread, first.operation, index, part.stream, ++version};
        if (history_.log[position - 1] != expected) return failed("an event out of its order" + at(position));
      }
      if (part.last_version != version) return failed("an append that was told another version" + at(position - 1));
      states.push_back({version, position - 1, append.invoked, append.returned});
    }
    return true;
  }

  void find_lost_appends() {
    for (std::size_t thread = 0; thread < seen_.size(); ++thread) {
      for (std::size_t i = 0; i < seen_[thread].size(); ++i) {
        if (seen_[thread][i] || history_.sessions[thread].appends[i].refused) continue;
        failed("a lost append: number " + std::to_string(i) + " of thread " + std::to_string(thread));
        return;
      }
    }
  }

  // Whether a stream can have been at a version at some time between the two.
  [[nodiscard]] const State* state_between(StreamNumber stream, Version version, Time invoked, Time returned) const {
    const auto& states = states_[stream];
    const auto found = std::ranges::lower_bound(states, version, {}, &State::version);
    if (found == states.end() || found->version != version || found->earliest > returned) return nullptr;
    const Time gone = found + 1 == states.end() ? kNever : (found + 1)->latest;
    return gone < invoked ? nullptr : &*found;
  }

  void check_session(const Session& session) {
    Time before = 0;
    for (const AppendOperation& append : session.appends) {
      if (flaw_) return;
      if (append.returned < append.invoked || append.invoked < before) {
        failed("a thread that is in two places");
        return;
      }
      before = append.returned;
      if (append.refused) check_refusal(append);
    }
    for (const HeadOperation& head : session.heads) {
      if (flaw_) return;
      const State* const state = state_between(head.stream, head.version, head.invoked, head.returned);
      if (state == nullptr) {
        failed("a head at version " + std::to_string(head.version) + " that it did not have then");
        return;
      }
      // The position may be newer than the version: they are read one after the other.
      if (head.position < state->position || head.position > history_.log.size() ||
          (head.position != 0 && history_.log[head.position - 1].stream != head.stream)) {
        failed("a head with the position of another event");
        return;
      }
    }
  }

  void check_refusal(const AppendOperation& append) {
    if (append.refused_index >= append.streams) {
      failed("a refusal for no stream");
      return;
    }
    const StreamPart& part = append.parts[append.refused_index];
    if (part.expect.met_by(append.refused_actual)) {
      failed("a refusal though the expectation was met");
      return;
    }
    if (state_between(part.stream, append.refused_actual, append.invoked, append.returned) == nullptr) {
      failed("a refusal for version " + std::to_string(append.refused_actual) + ", which the stream did not have then");
    }
  }

  void check_reader(const ReadSession& reader) {
    if (flaw_) return;
    if (reader.events.size() > history_.log.size() ||
        !std::equal(reader.events.begin(), reader.events.end(), history_.log.begin())) {
      failed("a reader that saw no prefix of the log");
      return;
    }
    Position before = 0;
    for (const ReadOperation& read : reader.reads) {
      if (read.position < before || read.position > history_.log.size()) {
        failed("a reader that went back");
        return;
      }
      before = read.position;
      if (latest_invoked_[read.position] > read.returned) {
        failed("a reader that saw what was not begun" + at(read.position));
        return;
      }
      if (read.position < returned_before(read.invoked)) {
        failed("a reader that was told of the end before an append that had returned" + at(read.position));
        return;
      }
    }
  }

  // The last position of those appends that had returned by then.
  Position returned_before(Time time) {
    if (returns_.empty()) {
      returns_.push_back({0, 0});
      for (const Session& session : history_.sessions) {
        for (const AppendOperation& append : session.appends) {
          if (!append.refused) returns_.push_back({append.returned, append.last});
        }
      }
      std::ranges::sort(returns_);
      for (std::size_t i = 1; i < returns_.size(); ++i) {
        returns_[i].second = std::max(returns_[i].second, returns_[i - 1].second);
      }
    }
    const auto after = std::ranges::lower_bound(returns_, time, {}, &std::pair<Time, Position>::first);
    return after == returns_.begin() ? 0 : (after - 1)->second;
  }

  const History& history_;
  std::optional<std::string> flaw_;
  std::vector<std::vector<State>> states_;  // of each stream, in the order of its versions
  std::vector<std::vector<bool>> seen_;     // the appends that the log holds
  std::vector<Time> latest_invoked_;        // of all appends up to a position
  std::vector<std::pair<Time, Position>> returns_;
};

}  // namespace

std::optional<std::string> find_flaw(const History& history) { return Checker(history).run(); }

}  // namespace daybook::concurrency
