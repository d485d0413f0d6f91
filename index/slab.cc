#include "index/slab.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "index/words.h"

namespace daybook::index {
namespace {

using Form = Container::Form;

constexpr std::uint32_t kWordBits = 64;

// Whether a container has numbers, which are asked for in ascending order: one way for each form, so that a loop over numbers
// has no other branch in it.
struct InBitset {
  const std::byte* data;
  bool operator()(std::uint32_t number) const noexcept {
    return (std::to_integer<unsigned>(data[number / 8]) >> (number % 8) & 1) != 0;
  }
};

struct InArray {
  Container array;
  std::uint32_t at = 0;
  bool operator()(std::uint32_t number) noexcept {
    while (at < array.count && array.u16(at) < number) ++at;
    return at < array.count && array.u16(at) == number;
  }
};

struct InLongArray {
  Container array;
  std::uint32_t at = 0;
  bool operator()(std::uint32_t number) noexcept {
    at = array.lower_bound(number, at);
    return at < array.count && array.u16(at) == number;
  }
};

struct InRuns {
  Container container;
  std::uint32_t at = 0;
  bool operator()(std::uint32_t number) noexcept {
    while (at < container.runs && container.run_end(at) <= number) ++at;
    return at < container.runs && container.run_begin(at) <= number;
  }
};

// Calls use(probe) with what says whether `container` has each of so many numbers.
template <typename Use>
auto with_probe(const Container& container, std::uint32_t numbers, Use use) noexcept {
  constexpr std::uint32_t kLong = 16;  // times as many numbers, from which on skipping is faster than walking
  switch (container.form) {
    case Form::bitset: return use(InBitset{container.data});
    case Form::runs: return use(InRuns{container});
    case Form::array: break;
  }
  return container.count / kLong >= numbers ? use(InLongArray{container}) : use(InArray{container});
}

// Calls visit(word, mask) for each word that [begin, end) has bits of.
template <typename Visit>
void each_word(std::uint32_t begin, std::uint32_t end, const Visit& visit) noexcept {
  for (std::uint32_t at = begin; at < end;) {
    const std::uint32_t bit = at % kWordBits;
    const std::uint32_t bits = std::min(kWordBits - bit, end - at);
    const std::uint64_t ones = bits == kWordBits ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
    visit(at / kWordBits, ones << bit);
    at += bits;
  }
}

}  // namespace

void Slab::put(std::uint32_t i, std::uint32_t number) noexcept {
  const auto value = static_cast<std::uint16_t>(number);
  std::memcpy(bytes() + sizeof(value) * std::size_t{i}, &value, sizeof(value));
}

void Slab::set_range(std::uint32_t begin, std::uint32_t end) noexcept {
  each_word(begin, end, [this](std::uint32_t word, std::uint64_t mask) { words_[word] |= mask; });
}

void Slab::clear_range(std::uint32_t begin, std::uint32_t end) noexcept {
  each_word(begin, end, [this](std::uint32_t word, std::uint64_t mask) { words_[word] &= ~mask; });
}

void Slab::clear() noexcept {
  form_ = Form::array;
  count_ = 0;
  any_ = false;
}

void Slab::load(const Container& container) noexcept {
  if (container.count == 0) return clear();
  any_ = true;
  count_ = container.count;
  form_ = container.count > Container::kArrayMax ? Form::bitset : Form::array;
  switch (container.form) {
    case Form::array: std::memcpy(bytes(), container.data, sizeof(std::uint16_t) * std::size_t{count_}); return;
    case Form::bitset:
      form_ = Form::bitset;
      std::memcpy(bytes(), container.data, kBitsetSize);
      return;
    case Form::runs: break;
  }
  if (form_ == Form::bitset) {
    words_.fill(0);
    for (std::uint32_t run = 0; run < container.runs; ++run)
      set_range(container.run_begin(run), container.run_end(run));
    return;
  }
  std::uint32_t i = 0;
  for (std::uint32_t run = 0; run < container.runs; ++run) {
    for (std::uint32_t at = container.run_begin(run); at < container.run_end(run); ++at) put(i++, at);
  }
}

void Slab::load_both(const Container& a, const Container& b) noexcept {
  if (a.form == Form::bitset && b.form == Form::bitset) {
    form_ = Form::bitset;
    any_ = word_functions().intersect(a.data, b.data, bytes());
  } else if (a.form == Form::array) {
    form_ = Form::array;
    with_probe(b, a.count, [&](auto has) { filter(a, has); });
  } else {
    load(a);
    keep(b);
  }
}

// Becomes the numbers of the array, which may be the own one, for which keep(number) is true.
template <typename Keep>
void Slab::filter(Container array, Keep keep) noexcept {
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < array.count; ++i) {
    const std::uint32_t number = array.u16(i);
    put(kept, number);
    kept += keep(number) ? 1 : 0;
  }
  count_ = kept;
  any_ = kept > 0;
}

void Slab::keep(const Container& container) noexcept {
  if (!any_) return;
  if (form_ == Form::array) {
    return with_probe(container, count_, [&](auto has) { filter(uncounted(), has); });
  }
  switch (container.form) {
    case Form::bitset: any_ = word_functions().intersect(bytes(), container.data, bytes()); return;
    case Form::array: {
      Slab both;
      both.load_both(container, uncounted());
      return load(both.uncounted());
    }
    case Form::runs: break;
  }
  std::uint32_t end = 0;
  for (std::uint32_t run = 0; run < container.runs; ++run) {
    clear_range(end, container.run_begin(run));
    end = container.run_end(run);
  }
  clear_range(end, kSlabSize);
}

void Slab::to_bitset() noexcept {
  if (form_ == Form::bitset) return;
  std::array<std::uint64_t, kSlabWords> words{};
  const Container array = uncounted();
  for (std::uint32_t i = 0; i < array.count; ++i) {
    words[array.u16(i) / kWordBits] |= std::uint64_t{1} << (array.u16(i) % kWordBits);
  }
  words_ = words;
  form_ = Form::bitset;
}

void Slab::add(const Container& container) noexcept {
  if (container.count == 0) return;
  if (!any_) return load(container);
  to_bitset();
  switch (container.form) {
    case Form::array:
      for (std::uint32_t i = 0; i < container.count; ++i) {
        words_[container.u16(i) / kWordBits] |= std::uint64_t{1} << (container.u16(i) % kWordBits);
      }
      break;
    case Form::bitset:
      for (std::uint32_t i = 0; i < kSlabWords; ++i) words_[i] |= container.word(i);
      break;
    case Form::runs:
      for (std::uint32_t run = 0; run < container.runs; ++run) {
        set_range(container.run_begin(run), container.run_end(run));
      }
  }
}

void Slab::remove(const Container& container) noexcept {
  if (!any_ || container.count == 0) return;
  if (form_ == Form::array) {
    return with_probe(container, count_,
                      [&](auto has) { filter(uncounted(), [&](std::uint32_t number) { return !has(number); }); });
  }
  switch (container.form) {
    case Form::array:
      for (std::uint32_t i = 0; i < container.count; ++i) {
        words_[container.u16(i) / kWordBits] &= ~(std::uint64_t{1} << (container.u16(i) % kWordBits));
      }
      break;
    case Form::bitset:
      for (std::uint32_t i = 0; i < kSlabWords; ++i) words_[i] &= ~container.word(i);
      break;
    case Form::runs:
      for (std::uint32_t run = 0; run < container.runs; ++run) {
        clear_range(container.run_begin(run), container.run_end(run));
      }
  }
}

Container Slab::uncounted() const noexcept {
  const std::byte* const data = std::as_bytes(std::span(words_)).data();
  return {.data = data, .count = form_ == Form::array ? count_ : kSlabSize, .form = form_};
}

Container Slab::container() const noexcept {
  if (!any_) return {};
  Container made = uncounted();
  if (form_ == Form::bitset) made.count = word_functions().count(made.data, kSlabWords);
  return made;
}

std::uint32_t count_both(const Container& a, const Container& b) noexcept {
  if (a.form == Form::bitset && b.form == Form::bitset) return word_functions().count_both(a.data, b.data);
  if (a.form == Form::array) {
    return with_probe(b, a.count, [&](auto has) {
      std::uint32_t count = 0;
      for (std::uint32_t i = 0; i < a.count; ++i) count += has(a.u16(i)) ? 1 : 0;
      return count;
    });
  }
  Slab both;
  both.load_both(a, b);
  return both.container().count;
}

}  // namespace daybook::index
