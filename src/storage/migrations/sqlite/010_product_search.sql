-- Which products have which three characters in a row in their search_text, so that a search reads few of them.
-- (PostgreSQL has pg_trgm: CREATE INDEX … USING gin (search_text gin_trgm_ops), without a table or triggers.)
-- Products that are here already are added in steps, by the service that has them.
CREATE VIRTUAL TABLE products_search USING fts5 (
    search_text, content = '', contentless_delete = 1, detail = none, tokenize = 'trigram case_sensitive 1'
);
-- The same as rows of (term, doc): a term's beginning finds one or two characters.
CREATE VIRTUAL TABLE products_search_terms USING fts5vocab (products_search, instance);

-- Only for changes of the text, not of the stock. The two line feeds make the last characters the beginning of a
-- term too.
CREATE TRIGGER products_search_insert AFTER INSERT ON products BEGIN
    INSERT INTO products_search (rowid, search_text) VALUES (new.id, new.search_text || char(10, 10));
END;
CREATE TRIGGER products_search_update AFTER UPDATE OF search_text ON products
WHEN new.search_text <> old.search_text BEGIN
    INSERT OR REPLACE INTO products_search (rowid, search_text) VALUES (new.id, new.search_text || char(10, 10));
END;
CREATE TRIGGER products_search_delete AFTER DELETE ON products BEGIN
    DELETE FROM products_search WHERE rowid = old.id;
END;

-- A category in the order of the price or of the name.
CREATE INDEX products_category_price ON products (category, price);
CREATE INDEX products_category_name ON products (category, name);
