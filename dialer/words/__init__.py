"""What the service says to people, in English and in Chinese. Pure: no clock, no files, nothing of the other packages.

English is what the code is written in. `bilingual` holds a sentence that is made in both languages at once; `catalogue`
finds the Chinese of an English one that was made before it was known who reads it: the text of an error.
"""
