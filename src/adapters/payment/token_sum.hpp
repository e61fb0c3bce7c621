#pragma once
/// What the book of charges keeps of a card's token.

#include <fmt/format.h>

#include <string>

#include "wire/auth/digest.hpp"

namespace market::payment {

inline std::string sum_of(const std::string& token) {
  const auto digest = wire::digest_128(token);
  return fmt::format("{:016x}{:016x}", digest.hi, digest.lo);
}

}  // namespace market::payment
