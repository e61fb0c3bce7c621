#pragma once
/// Random numbers that need not be secret from anybody for long: terms, log ids, names of processes.

#include <cstdint>
#include <random>

namespace market {

/// From the system; no two processes draw the same by chance.
inline std::uint64_t random_number() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace market
