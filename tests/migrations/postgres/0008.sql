-- What a program of version 8 may have written.
update page set embedders = 'https://example.org';
