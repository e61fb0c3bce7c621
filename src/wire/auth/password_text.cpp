#include "wire/auth/password_text.hpp"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <zxcvbn.h>

#include <array>

#include "base/check.hpp"
#include "wire/json/unicode.hpp"

namespace market::wire {
namespace {

constexpr std::size_t judged_bytes_max = 48;  ///< zxcvbn's work for digits grows with the fourth power.

}  // namespace

std::string prepared_password(std::string_view password) {
  if (!is_utf8(password)) return std::string(password);
  auto text =
      icu::UnicodeString::fromUTF8(icu::StringPiece(password.data(), static_cast<int>(password.size())));
  for (int at = 0; at < text.length(); ++at)  // Spaces lie in the first plane: one code unit each.
    if (u_charType(text[at]) == U_SPACE_SEPARATOR) text.setCharAt(at, u' ');
  UErrorCode error = U_ZERO_ERROR;
  const auto* const nfc = icu::Normalizer2::getNFCInstance(error);
  check(U_SUCCESS(error), "ICU has its normalisation data");
  const auto normal = nfc->normalize(text, error);
  check(U_SUCCESS(error), "a text of bounded length can be normalised");
  std::string prepared;
  normal.toUTF8String(prepared);
  return prepared;
}

bool is_password_text(std::string_view password) {
  if (!is_utf8(password)) return false;
  while (!password.empty()) {
    const auto c = static_cast<UChar32>(*take_character(password));
    switch (u_charType(c)) {
      case U_CONTROL_CHAR:
      case U_UNASSIGNED:
      case U_PRIVATE_USE_CHAR:
      case U_SURROGATE:
        return false;
      default:
        break;
    }
  }
  return true;
}

int password_score(std::string_view password, const std::vector<std::string>& own_words) {
  std::vector<const char*> words;
  for (const auto& word : own_words) words.push_back(word.c_str());
  words.push_back(nullptr);
  const std::string judged(password.substr(0, judged_bytes_max));
  const double bits = ZxcvbnMatch(judged.c_str(), words.data(), nullptr);
  constexpr std::array bits_of_score{9.97, 19.93, 26.58, 33.22};  // 10^3, 10^6, 10^8 and 10^10 guesses.
  int score = 0;
  for (const double least : bits_of_score) score += bits >= least;
  return score;
}

}  // namespace market::wire
