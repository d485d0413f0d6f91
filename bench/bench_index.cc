// What do indexes cost: adding an event to one in memory, writing a sidecar, and asking either for a rare key, for a key
// of many events, and for the events that have two such keys?
//
// 200,000 events, each with a stream (one of 100,000, so that most are rare), a type (one of 20) and three tags (one of 50,
// one of 1,000 and one of 20,000), and a frame for each. Counters say how large the index is in bytes per event. Everything
// is in memory, so that asking an event whether it carries a key costs no more than a cache miss or two.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "index/memory_index.h"
#include "index/selection.h"
#include "index/sidecar.h"
#include "scratch.h"

namespace daybook::bench {
namespace {

using namespace daybook::index;  // NOLINT(google-build-using-namespace): one file, no header

constexpr std::uint32_t kEvents = 200'000;
constexpr std::uint64_t kFrameSize = 224;

struct Event {
  std::string stream;
  std::string type;
  std::vector<std::string> tags;
};

// The same events in every run, in no order that a cache could guess.
class Events final : public EventKeys {
 public:
  Events() {
    std::uint64_t random = 1;
    const auto below = [&](std::uint64_t n) {
      random = random * 6'364'136'223'846'793'005u + 1'442'695'040'888'963'407u;
      return std::to_string((random >> 33) % n);
    };
    for (std::uint32_t i = 0; i < kEvents; ++i) {
      all_.push_back({.stream = "account-" + below(100'000),
                      .type = "Type" + below(20),
                      .tags = {"region:" + below(50), "shop:" + below(1'000), "customer:" + below(20'000)}});
    }
  }

  void fill(MemoryIndex& index) const {
    std::uint64_t offset = 4096;
    for (const Event& event : all_) {
      index.begin_frame(offset);
      index.add_event({.stream = event.stream, .type = event.type}, event.tags);
      offset += kFrameSize;
    }
    index.settle();
  }
  [[nodiscard]] const std::vector<Event>& all() const noexcept { return all_; }

  [[nodiscard]] std::size_t carrier(std::span<const std::uint32_t> ordinals, const Key& key) const override {
    const auto carries = [&](std::uint32_t ordinal) {
      const Event& event = all_[ordinal];
      if (key.kind == KeyKind::stream) return event.stream == key.bytes;
      return key.kind == KeyKind::type ? event.type == key.bytes
                                       : std::find(event.tags.begin(), event.tags.end(), key.bytes) != event.tags.end();
    };
    return static_cast<std::size_t>(std::ranges::find_if(ordinals, carries) - ordinals.begin());
  }
  void each(std::uint32_t /*ordinal*/, KeyKind /*kind*/,
            const std::function<void(std::string_view)>& /*visit*/) const override {}

 private:
  std::vector<Event> all_;
};

const Events& events() {
  static const Events made;
  return made;
}

SidecarIdentity identity() {
  return {.number = 1, .valid_end = 4096 + kEvents * kFrameSize, .events = kEvents, .frames = kEvents};
}

std::vector<std::byte> make_sidecar() {
  MemoryIndex index;
  events().fill(index);
  return encode_sidecar(index, identity());
}

void add(benchmark::State& state) {
  const Events& all = events();
  std::size_t bytes = 0;
  for (auto _ : state) {
    MemoryIndex index;
    all.fill(index);
    bytes = index.heap_bytes();
  }
  state.SetItemsProcessed(state.iterations() * kEvents);
  state.counters["bytes/event"] = static_cast<double>(bytes) / kEvents;
}
BENCHMARK(add)->Unit(benchmark::kMillisecond);

void encode(benchmark::State& state) {
  MemoryIndex index;
  events().fill(index);
  std::size_t bytes = 0;
  for (auto _ : state) bytes = encode_sidecar(index, identity()).size();
  state.SetItemsProcessed(state.iterations() * kEvents);
  state.counters["bytes/event"] = static_cast<double>(bytes) / kEvents;
}
BENCHMARK(encode)->Unit(benchmark::kMillisecond);

void parse(benchmark::State& state) {
  const std::vector<std::byte> bytes = make_sidecar();
  for (auto _ : state) benchmark::DoNotOptimize(must(Sidecar::parse(bytes, identity())));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}
BENCHMARK(parse)->Unit(benchmark::kMillisecond);

// What is asked: every event's own key of that kind, one after the other.
Key key_of(const Event& event, std::int64_t what) {
  switch (what) {
    case 0: return {KeyKind::stream, event.stream};
    case 1: return {KeyKind::tag, event.tags[1]};
    default: return {KeyKind::type, event.type};
  }
}
constexpr const char* kWhat[] = {"rare stream", "tag of 200", "type of 10,000"};

void ask(benchmark::State& state, const SegmentIndex& index) {
  const Events& all = events();
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(index.find(key_of(all.all()[next], state.range(0)), all)->size());
    next = (next + 1'009) % kEvents;
  }
  state.SetLabel(kWhat[state.range(0)]);
}

void find_in_memory(benchmark::State& state) {
  MemoryIndex index;
  events().fill(index);
  ask(state, index);
}
BENCHMARK(find_in_memory)->DenseRange(0, 2);

void find_in_sidecar(benchmark::State& state) {
  const std::vector<std::byte> bytes = make_sidecar();
  const auto sidecar = must(Sidecar::parse(bytes, identity()));
  ask(state, *sidecar);
}
BENCHMARK(find_in_sidecar)->DenseRange(0, 2);

void place(benchmark::State& state) {
  const std::vector<std::byte> bytes = make_sidecar();
  const auto sidecar = must(Sidecar::parse(bytes, identity()));
  std::uint32_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(sidecar->place(next));
    next = (next + 1'009) % kEvents;
  }
}
BENCHMARK(place);

// Two keys of an event: types and regions, or a type and a rare tag.
void intersect(benchmark::State& state) {
  const std::vector<std::byte> bytes = make_sidecar();
  const auto sidecar = must(Sidecar::parse(bytes, identity()));
  const auto tag = static_cast<std::size_t>(state.range(0));
  const Events& all = events();
  std::size_t next = 0;
  std::array<std::uint32_t, 1024> block;
  for (auto _ : state) {
    const Event& event = all.all()[next];
    std::vector<Selection> parts;
    parts.emplace_back(sidecar->find({KeyKind::type, event.type}, all));
    parts.emplace_back(sidecar->find({KeyKind::tag, event.tags[tag]}, all));
    Selection both = Selection::all_of(std::move(parts));
    for (std::uint32_t from = 0; const std::size_t count = both.read(from, kEvents, block);
         from = block[count - 1] + 1) {
    }
    benchmark::DoNotOptimize(block);
    next = (next + 1'009) % kEvents;
  }
  state.SetLabel(tag == 0 ? "10,000 and 4,000" : "10,000 and 10");
}
BENCHMARK(intersect)->Arg(0)->Arg(2);

}  // namespace
}  // namespace daybook::bench
