#include "sale/key_filter.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "base/check.hpp"

namespace market::sale {
namespace {

constexpr std::size_t words_per_block = 8;  // One cache line: a look-up is one miss of the cache at most.
constexpr int probes = 4;
constexpr std::size_t page_bytes = 4096;

/// Calls `each(word in block, bit)` for the key's probes.
template <class Each>
void for_each_probe(RequestKey key, Each each) {
  std::uint64_t rest = key.lo;
  for (int i = 0; i < probes; ++i, rest >>= 9)
    each((rest >> 6) & (words_per_block - 1), std::uint64_t{1} << (rest & 63));
}

}  // namespace

KeyFilter::KeyFilter() {
  for (auto& generation : generations_) {
    void* memory = ::mmap(nullptr, bytes_per_generation, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    check(memory != MAP_FAILED, "no address space for the key filter");
    ::madvise(memory, bytes_per_generation, MADV_HUGEPAGE);  // Probes are random: spares misses of the TLB.
    generation = static_cast<Word*>(memory);                 // Zero pages are valid atomics of value 0.
  }
}

KeyFilter::~KeyFilter() {
  for (auto* generation : generations_) ::munmap(generation, bytes_per_generation);
}

std::size_t KeyFilter::block_of(RequestKey key) {
  return static_cast<std::size_t>(key.hi % (words / words_per_block)) * words_per_block;
}

bool KeyFilter::holds(const Word* generation, RequestKey key) const {
  const std::size_t block = block_of(key);
  bool all = true;
  for_each_probe(key, [&](std::size_t word, std::uint64_t bit) {
    all = all && (generation[block + word].load(std::memory_order_relaxed) & bit) != 0;
  });
  return all;
}

void KeyFilter::add(RequestKey key, Instant at) {
  const Instant started = started_.load(std::memory_order_relaxed);
  if (started == Instant{}) {
    started_.store(at, std::memory_order_relaxed);
  } else if (at - started >= life) {
    const unsigned oldest = 1 - current_.load(std::memory_order_relaxed);
    ::madvise(generations_[oldest], bytes_per_generation, MADV_DONTNEED);  // Reads as zero from here on.
    current_.store(oldest, std::memory_order_release);
    started_.store(at, std::memory_order_relaxed);
  }
  Word* generation = generations_[current_.load(std::memory_order_relaxed)];
  const std::size_t block = block_of(key);
  for_each_probe(key, [&](std::size_t word, std::uint64_t bit) {
    generation[block + word].fetch_or(bit, std::memory_order_release);
  });
}

bool KeyFilter::may_contain(RequestKey key) const {
  const unsigned current = current_.load(std::memory_order_acquire);
  return holds(generations_[current], key) || holds(generations_[1 - current], key);
}

void KeyFilter::prefetch(RequestKey key) const {
  const std::size_t block = block_of(key);
  for (const Word* generation : generations_) __builtin_prefetch(generation + block);
}

std::string KeyFilter::encode() const {
  std::string bytes(sizeof(std::int64_t), '\0');
  const std::int64_t started = started_.load(std::memory_order_relaxed).time_since_epoch().count();
  std::memcpy(bytes.data(), &started, sizeof started);
  constexpr std::size_t words_per_page = page_bytes / sizeof(Word);
  std::array<std::uint64_t, words_per_page> page;
  for (std::uint32_t age = 0; age < 2; ++age) {
    const Word* generation = generations_[age == 0 ? current_.load() : 1 - current_.load()];
    for (std::uint32_t at = 0; at < words / words_per_page; ++at) {
      std::uint64_t any = 0;
      for (std::size_t i = 0; i < words_per_page; ++i)
        any |= page[i] = generation[at * words_per_page + i].load(std::memory_order_relaxed);
      if (any == 0) continue;
      const std::uint32_t place = age << 31 | at;
      bytes.append(reinterpret_cast<const char*>(&place), sizeof place);
      bytes.append(reinterpret_cast<const char*>(page.data()), page_bytes);
    }
  }
  return bytes;
}

Result<> KeyFilter::merge(std::string_view bytes) {
  constexpr std::size_t entry = sizeof(std::uint32_t) + page_bytes;
  if (bytes.size() < sizeof(std::int64_t) || (bytes.size() - sizeof(std::int64_t)) % entry != 0)
    return fail(Code::internal, "the key filter of the snapshot is damaged");
  std::int64_t started;
  std::memcpy(&started, bytes.data(), sizeof started);
  // The later one: a generation that is young in one of the two must not end by the age of the other's.
  started_ = std::max(started_.load(), Instant(Millis(started)));
  for (std::size_t at = sizeof started; at < bytes.size(); at += entry) {
    std::uint32_t place;
    std::memcpy(&place, bytes.data() + at, sizeof place);
    const std::size_t first = std::size_t{place & 0x7FFFFFFFu} * page_bytes / sizeof(Word);
    if (first >= words) return fail(Code::internal, "the key filter of the snapshot is damaged");
    const unsigned current = current_.load(std::memory_order_relaxed);
    Word* generation = generations_[place >> 31 ? 1 - current : current];
    for (std::size_t i = 0; i < page_bytes / sizeof(Word); ++i) {
      std::uint64_t word;
      std::memcpy(&word, bytes.data() + at + sizeof place + i * sizeof word, sizeof word);
      generation[first + i].fetch_or(word, std::memory_order_relaxed);
    }
  }
  return {};
}

}  // namespace market::sale
