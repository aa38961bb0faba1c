"""Columns of text: Banking77, CLINC150 and AG's news in one pass, beside VowpalWabbit and River."""
