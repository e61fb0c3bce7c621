#pragma once
/// What a search finds a product by. All words of a query are found, in any order, each as a part of the
/// name, the category or the description, in any case and Unicode form, with or without accents. Hangul is
/// found by its syllables, by a last syllable that is still being typed, and by initial consonants; a Latin
/// word of the name or the category also with typing errors.
///
///   const SearchText text(name, category, description);
///   text.matches(SearchQuery("ㄱㅂ red"));      // 가방 Red

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace market::product {

/// One word, prepared so that a text is looked through once, whatever both consist of (Shift-And: a bit for
/// each letter of the word that may be reached).
class SearchWord {
 public:
  static constexpr std::size_t letters_max = 32;  ///< The rest is not looked for.
  explicit SearchWord(std::u16string word);
  bool is_in(const std::u16string& text) const;
  const std::u16string& letters() const { return word_; }

 private:
  using Places = std::uint32_t;
  static_assert(letters_max <= 32);
  struct Letter {
    char16_t letter;
    Places places;
  };
  static constexpr std::size_t initials = 19;
  Places places_of(char16_t there) const;
  std::u16string word_;
  std::array<std::vector<Letter>, 64> letters_;  ///< By their low bits.
  std::array<Places, initials> initials_{};      ///< Initial consonants, by their number.
  int open_ = -1;                                ///< Initial and vowel of a last syllable without a final.
};

/// Of one thread at a time.
class SearchQuery {
 public:
  static constexpr std::size_t words_max = 16;  ///< The rest is not looked for.
  /// From the first text that is looked through: other people's searches wait for this one.
  static constexpr Millis time_max{1'000};
  SearchQuery() = default;
  explicit SearchQuery(std::string_view utf8, Millis longest = time_max);
  bool empty() const { return words_.empty(); }

 private:
  friend class SearchText;
  void expect_time() const;
  std::vector<SearchWord> words_;
  Millis longest_ = time_max;
  mutable std::optional<std::chrono::steady_clock::time_point> began_;
};

class SearchText {
 public:
  SearchText() = default;
  SearchText(std::string_view name, std::string_view category, std::string_view description);
  /// Throws OutOfTime (base/task_fair_pool.hpp) when the query's time is over.
  bool matches(const SearchQuery& query) const;
  /// What it keeps in memory.
  std::size_t bytes() const;

 private:
  bool has_digit(char16_t digit) const;
  bool has_word(const SearchWord& word) const;
  bool has_misspelt(const std::u16string& word) const;
  std::u16string text_;                ///< Folded; the parts are apart by a line's end.
  std::vector<std::u16string> words_;  ///< Of name and category, in Latin letters, for typing errors.
};

/// A character may stand for 18 others (U+FDFA): what is longer than so many times the text is cut.
inline constexpr std::size_t folded_growth_max = 3;

/// NFKC, no case, no accents of Latin letters.
std::u16string fold_for_search(std::string_view utf8);

}  // namespace market::product
