// What does a snapshot cost: saving one, loading the newest of a key when it was looked at before and when not, and opening
// a store that has 100,000 of them?
//
// 10,000 keys, in no order that a cache could guess, states of 200 bytes and of 64 KiB, and a log of 10,000 events. A load
// of a command is `latest`: it is to be small beside replaying even ten events. Everything is in the page cache.
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "scratch.h"

namespace daybook::bench {
namespace {

constexpr std::size_t kKeys = 10'000;
constexpr std::uint64_t kFingerprint = 7;

Store open_store(const Scratch& scratch, std::uint32_t keep = 4) {
  return must(Store::open(scratch.store(), {.durability = Durability::memory, .snapshots_keep = keep}));
}

Store make_store(const Scratch& scratch) {
  Store store = open_store(scratch);
  for (std::size_t i = 0; i < kKeys; ++i) must(store.append("account", Expect::any(), {{.type = "Deposited"}}));
  return store;
}

std::vector<std::string> make_keys() {
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < kKeys; ++i) keys.push_back("customer-account-" + std::to_string(i * 7'919 % kKeys));
  return keys;
}

void save_all(Store& store, const std::vector<std::string>& keys, const std::string& state, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    must(store.snapshots().save({.key = keys[i % kKeys],
                                 .version = 1 + i / kKeys,
                                 .position = 1 + i % kKeys,
                                 .fingerprint = kFingerprint,
                                 .state = state}));
  }
}

void save(benchmark::State& state) {
  const Scratch scratch;
  Store store = make_store(scratch);
  const std::vector<std::string> keys = make_keys();
  const std::string bytes(static_cast<std::size_t>(state.range(0)), 's');
  std::uint64_t n = 0;
  for (auto _ : state) {
    must(store.snapshots().save({.key = keys[n % kKeys],
                                 .version = 1 + n,
                                 .position = 1 + n % kKeys,
                                 .fingerprint = kFingerprint,
                                 .state = bytes}));
    ++n;
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(save)->ArgName("bytes")->Arg(200)->Arg(64 << 10)->UseRealTime();

void latest(benchmark::State& state) {
  const Scratch scratch;
  Store store = make_store(scratch);
  const std::vector<std::string> keys = make_keys();
  save_all(store, keys, std::string(static_cast<std::size_t>(state.range(0)), 's'), kKeys);
  for (const std::string& key : keys) benchmark::DoNotOptimize(must(store.snapshots().latest(key, kFingerprint)));
  std::size_t n = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(must(store.snapshots().latest(keys[n], kFingerprint)));
    n = (n + 1'009) % kKeys;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(latest)->ArgName("bytes")->Arg(200)->Arg(64 << 10);

// Each snapshot is looked at for the first time: its checksum, and its event in the log.
void latest_first(benchmark::State& state) {
  const Scratch scratch;
  const std::vector<std::string> keys = make_keys();
  {
    Store store = make_store(scratch);
    save_all(store, keys, std::string(static_cast<std::size_t>(state.range(0)), 's'), kKeys);
  }
  for (auto _ : state) {
    state.PauseTiming();
    Store store = open_store(scratch);
    benchmark::DoNotOptimize(must(store.snapshots().info()).keys);
    state.ResumeTiming();
    for (const std::string& key : keys) benchmark::DoNotOptimize(must(store.snapshots().latest(key, kFingerprint)));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kKeys));
}
BENCHMARK(latest_first)->ArgName("bytes")->Arg(200)->Arg(64 << 10)->Unit(benchmark::kMillisecond);

// The first question to a store of 100,000 snapshots, ten of each key.
void open_folder(benchmark::State& state) {
  const Scratch scratch;
  const std::vector<std::string> keys = make_keys();
  {
    Store store = make_store(scratch);
    save_all(store, keys, std::string(200, 's'), 10 * kKeys);
  }
  for (auto _ : state) {
    state.PauseTiming();
    Store store = open_store(scratch);
    state.ResumeTiming();
    benchmark::DoNotOptimize(must(store.snapshots().latest(keys[0], kFingerprint)));
  }
  state.SetLabel("100,000 snapshots");
}
BENCHMARK(open_folder)->Unit(benchmark::kMillisecond);

void prune(benchmark::State& state) {
  const std::vector<std::string> keys = make_keys();
  for (auto _ : state) {
    state.PauseTiming();
    const Scratch scratch;
    Store store = make_store(scratch);
    save_all(store, keys, std::string(200, 's'), 10 * kKeys);
    state.ResumeTiming();
    must(store.snapshots().prune({.keep_newest = 2}));
    state.PauseTiming();
    must(store.close());
    state.ResumeTiming();
  }
  state.SetLabel("100,000 snapshots to 20,000");
}
BENCHMARK(prune)->Unit(benchmark::kMillisecond)->Iterations(3)->UseRealTime();

}  // namespace
}  // namespace daybook::bench
