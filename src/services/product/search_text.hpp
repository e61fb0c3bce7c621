#pragma once
/// What a search finds a product by. All words of a query are found, in any order, each as a part of the
/// name, the category or the description, in any case and Unicode form, with or without accents. Hangul is
/// found by its syllables, by a last syllable that is still being typed, and by initial consonants; a Latin
/// word of the name or the category also with typing errors.
///
///   const SearchText text(name, category, description);
///   text.matches(SearchQuery("ㄱㅂ red"));      // 가방 Red

#include <string>
#include <string_view>
#include <vector>

namespace market::product {

class SearchQuery {
 public:
  static constexpr std::size_t words_max = 16;  ///< The rest is not looked for.
  SearchQuery() = default;
  explicit SearchQuery(std::string_view utf8);
  bool empty() const { return words_.empty(); }

 private:
  friend class SearchText;
  std::vector<std::u16string> words_;
};

class SearchText {
 public:
  SearchText() = default;
  SearchText(std::string_view name, std::string_view category, std::string_view description);
  bool matches(const SearchQuery& query) const;

 private:
  bool has_digit(char16_t digit) const;
  bool has_word(const std::u16string& word) const;
  bool has_misspelt(const std::u16string& word) const;
  std::u16string text_;                ///< Folded; the parts are apart by a line's end.
  std::vector<std::u16string> words_;  ///< Of name and category, in Latin letters, for typing errors.
};

/// NFKC, no case, no accents of Latin letters.
std::u16string fold_for_search(std::string_view utf8);

}  // namespace market::product
