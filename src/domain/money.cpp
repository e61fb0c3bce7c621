#include "domain/money.hpp"

#include <algorithm>

namespace market {

Result<Currency> Currency::parse(std::string_view text) {
  const bool letters = std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  if (text.size() != 3 || !letters)
    return fail(Code::validation, "a currency is three capital letters, such as KRW");
  return Currency{{text[0], text[1], text[2]}};
}

}  // namespace market
